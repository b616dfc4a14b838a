"""What assistants can do here: the guide's tools first."""

from generation.mcp_server.tools import lists, pictures, sounds, texts
from generation.mcp_server.tools.base import Made, Tool

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*pictures.TOOLS, *sounds.TOOLS, *texts.TOOLS, *lists.TOOLS)}

__all__ = ["TOOLS", "Made", "Tool"]
