"""MCP: one tool a function."""
