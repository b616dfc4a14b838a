"""The MCP server as the SDK asks it: tools, resources, prompts. What it knows of a caller is in the HTTP request."""

import base64
import logging
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from mcp_types import Tool as ToolCard
from mcp_types.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND

import pollweb
from generation import media
from generation.mcp_server import arguments
from generation.mcp_server.call import Call
from generation.mcp_server.tools import TOOLS, Tool
from generation.mcp_server.tools.base import as_json
from generation.mcp_server.tools.lists import image_names, item, text_cards
from generation.models import Generation
from pollweb.lib import db
from pollweb.lib.errors import PollwebError
from pollweb.lib.http.errors import translated

NAME = "pollinations-multimodal-api"
INSTRUCTIONS = (
    "Makes pictures, speech and text. Make a picture with generateImage, or give an address of one with "
    "generateImageUrl; read a text aloud with sayText. A result says which model made it. When an error says to wait, "
    "wait as long as it says and call again."
)
MODELS = "pollweb://models"
ITEM = "pollweb://items/"
ERROR = "pollweb.error"
RESOURCE_NOT_FOUND = -32002  # MCP 2025-11-25, server/resources, "Error Handling"

logger = logging.getLogger("pollweb.mcp")
Context = ServerRequestContext[Any, Any]


# --- tools ------------------------------------------------------------------------------------------------------------


def card(tool: Tool) -> ToolCard:
    return ToolCard(
        name=tool.name,
        title=tool.title,
        description=tool.about,
        input_schema=arguments.schema(tool.arguments),
        output_schema=tool.output_schema,
        annotations=ToolAnnotations(
            title=tool.title, read_only_hint=not tool.makes, destructive_hint=False, open_world_hint=tool.makes
        ),
    )


async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=[card(tool) for tool in TOOLS.values()])


async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
    """What the tool gives; an error that the assistant can do something about is a result too."""
    tool = TOOLS.get(params.name)
    if tool is None:
        raise MCPError(METHOD_NOT_FOUND, f"There is no tool {params.name[:60]!r}. There are: {', '.join(TOOLS)}.")
    try:
        values, ignored = arguments.read(tool.arguments, params.arguments or {})
        assert context.request is not None  # generation.mcp_server.exchange hands it over
        call = await Call.of(context.request, context.session.report_progress)
        made = await tool.run(call, **values)
    except Exception as exc:
        return failed(tool, translated(exc), exc)
    parts = list(made.parts)
    if ignored:
        parts.append(TextContent(text=f"These arguments mean nothing here and were ignored: {', '.join(ignored)}."))
    return CallToolResult(content=parts, structured_content=made.values)


def failed(tool: Tool, error: PollwebError, cause: Exception) -> CallToolResult:
    """The error as a sentence that says what to do."""
    if error is not cause:
        logger.error("Unexpected %s in %s", type(cause).__name__, tool.name, exc_info=cause)
    message = f"Error {tool.doing}: {error.message}"
    if error.retry_after is not None:
        message += "" if message.endswith((".", "!", "?")) else "."
        message += f" Call again in {max(1, round(error.retry_after))} seconds."
    told: dict[str, Any] = {"code": error.code, "status": error.status, "message": error.message}
    if error.retry_after is not None:
        told["retryAfter"] = error.retry_after
    return refusal(message, told)


def refusal(message: str, told: dict[str, Any]) -> CallToolResult:
    """An error as a result. For programs it is in `_meta`: clients hold structured content, even of an error, against
    the tool's output schema."""
    return CallToolResult(content=[TextContent(text=message)], is_error=True, _meta={ERROR: told})


# --- resources --------------------------------------------------------------------------------------------------------


async def list_resources(context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
    about = "Every model for pictures, text, speech and transcription, with what it can do."
    models = Resource(uri=MODELS, name="models", title="Models", description=about, mime_type="application/json")
    return ListResourcesResult(resources=[models])


async def list_templates(context: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    about = "A public item of the gallery by its id: what was asked, and the picture, text or sound."
    items = ResourceTemplate(uri_template=f"{ITEM}{{id}}", name="item", title="Gallery item", description=about)
    return ListResourceTemplatesResult(resource_templates=[items])


async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    uri = str(params.uri)
    if uri == MODELS:
        told = {"image": image_names(), "text": text_cards("text"), "audio": text_cards("audio")}
        return ReadResourceResult(contents=[_json(uri, told)])
    row = await db.run(_public, uri.removeprefix(ITEM)) if uri.startswith(ITEM) else None
    if row is None:
        raise MCPError(RESOURCE_NOT_FOUND, "There is no such resource, or it is not public.", {"uri": uri[:200]})
    contents: list[TextResourceContents | BlobResourceContents] = [
        _json(uri, {**item(row), "prompt": row.prompt, **({"text": row.response} if row.kind == "text" else {})})
    ]
    if row.artifact and (data := await media.load(row.artifact.digest)) is not None:
        blob = base64.b64encode(data).decode("ascii")
        contents.append(BlobResourceContents(uri=uri, mime_type=row.artifact.media_type, blob=blob))
    return ReadResourceResult(contents=contents)


def _json(uri: str, value: Any) -> TextResourceContents:
    return TextResourceContents(uri=uri, mime_type="application/json", text=as_json(value))


def _public(public_id: str) -> Generation | None:
    return Generation.objects.public().select_related("artifact").filter(public_id=public_id[:40]).first()


# --- prompts ----------------------------------------------------------------------------------------------------------

PROMPTS = {
    "illustrate": Prompt(
        name="illustrate",
        title="Illustrate",
        description="A picture for a text, with a prompt worked out for it first.",
        arguments=[
            PromptArgument(name="text", description="What is to be illustrated.", required=True),
            PromptArgument(name="style", description="For example: watercolour, flat vector, photograph."),
        ],
    ),
    "remix": Prompt(
        name="remix",
        title="Remix a gallery item",
        description="A public item of the gallery, made again with a change.",
        arguments=[
            PromptArgument(name="id", description="The item's id: the end of its address /p/….", required=True),
            PromptArgument(name="change", description="What is to be different.", required=True),
        ],
    ),
}


async def list_prompts(context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
    return ListPromptsResult(prompts=list(PROMPTS.values()))


async def get_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult:
    prompt, given = PROMPTS.get(params.name), params.arguments or {}
    if prompt is None:
        raise MCPError(INVALID_PARAMS, f"There is no prompt {params.name[:60]!r}. There are: {', '.join(PROMPTS)}.")
    for argument in prompt.arguments or []:
        if argument.required and not given.get(argument.name, "").strip():
            raise MCPError(INVALID_PARAMS, f"The prompt {prompt.name} needs {argument.name}: {argument.description}")
    if prompt.name == "illustrate":
        style = f" Its style: {given['style']}." if given.get("style") else ""
        words = (
            "Make a picture for the text below. Write a prompt of one or two sentences that names subject, setting, "
            f"light and composition, then call generateImage with it and show the picture.{style}\n\n{given['text']}"
        )
    else:
        row = await db.run(_public, given["id"].rpartition("/")[2])
        if row is None:
            raise MCPError(RESOURCE_NOT_FOUND, "There is no such item, or it is not public.", {"id": given["id"][:60]})
        words = (
            f"This is a public item of the gallery:\n\n{as_json({**item(row), 'prompt': row.prompt})}\n\n"
            "Make it again with the fitting tool, with the same model, size and seed, and this change: "
            f"{given['change']}"
        )
    return GetPromptResult(
        description=prompt.description, messages=[PromptMessage(role="user", content=TextContent(text=words))]
    )


SERVER: Server[dict[str, Any]] = Server(
    NAME,
    version=pollweb.__version__,
    title="pollweb",
    description="Pictures, speech and text from this installation of pollweb.",
    instructions=INSTRUCTIONS,
    on_list_tools=list_tools,
    on_call_tool=call_tool,
    on_list_resources=list_resources,
    on_list_resource_templates=list_templates,
    on_read_resource=read_resource,
    on_list_prompts=list_prompts,
    on_get_prompt=get_prompt,
)
