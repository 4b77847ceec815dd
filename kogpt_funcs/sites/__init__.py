"""The sites: what keeps something between visits. The relay novel's stories, as REST, MCP tools and pages over one
database.
"""
