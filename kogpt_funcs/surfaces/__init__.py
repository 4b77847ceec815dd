"""The surfaces: page, REST, MCP, command. Each reads the registry; nothing below imports one."""
