"""What of vLLM this plugin depends on, read from its wheel without importing it.

    python tests/vllm/signatures.py WHEEL > tests/vllm/vllm-VERSION.json

Signatures with their defaults as they are written, fields of classes, bases of errors, and paths of the server.
"""

import ast
import json
import sys
import zipfile
from pathlib import Path

from pydantic import JsonValue

METHODS = {
    "vllm/entrypoints/llm.py": ("LLM.__init__", "LLM.enqueue_chat"),
    "vllm/v1/engine/llm_engine.py": (
        *("LLMEngine.step", "LLMEngine.has_unfinished_requests", "LLMEngine.abort_request"),
    ),
    "vllm/v1/engine/core_client.py": ("EngineCoreClient.shutdown",),
    "vllm/outputs.py": ("RequestOutput.__init__",),
}
FIELDS = {
    "vllm/engine/arg_utils.py": "EngineArgs",
    "vllm/sampling_params.py": "SamplingParams StructuredOutputsParams",
    "vllm/outputs.py": "CompletionOutput",
    "vllm/v1/metrics/stats.py": "RequestStateStats",
    "vllm/lora/request.py": "LoRARequest",
    "vllm/entrypoints/common/cli_args.py": "BaseFrontendArgs FrontendArgs",
    "vllm/entrypoints/openai/chat_completion/protocol.py": "ChatCompletionRequest",
}
BASES = {
    "vllm/exceptions.py": "VLLMError VLLMClientError VLLMServerError VLLMValidationError",
    "vllm/v1/engine/exceptions.py": "EngineDeadError",
}
CONSTANTS = {"vllm/config/lora.py": "MaxLoRARanks"}
PATHS = {
    "vllm/entrypoints/serve/instrumentator/health.py": "/health",
    "vllm/entrypoints/serve/instrumentator/basic.py": "/version",
    "vllm/entrypoints/openai/chat_completion/api_router.py": "/v1/chat/completions",
}


def record(wheel: Path) -> dict[str, JsonValue]:
    """Read a wheel; what is missing from it raises KeyError."""
    version = wheel.name.split("-")[1]
    methods: dict[str, JsonValue] = {}
    fields: dict[str, JsonValue] = {}
    bases: dict[str, JsonValue] = {}
    with zipfile.ZipFile(wheel) as archive:

        def classes(path: str) -> dict[str, ast.ClassDef]:
            tree = ast.parse(archive.read(path))
            return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

        for path, names in METHODS.items():
            for name in names:
                owner, _, method = name.partition(".")
                found = {each.name: each for each in classes(path)[owner].body if isinstance(each, ast.FunctionDef)}
                methods[name] = ast.unparse(found[method].args)
        for path, text in FIELDS.items():
            for name in text.split():
                fields[name] = _fields(classes(path)[name])
        for path, text in BASES.items():
            bases |= {name: [ast.unparse(base) for base in classes(path)[name].bases] for name in text.split()}
        constants = {
            ast.unparse(node.targets[0]): ast.unparse(node.value)
            for path, name in CONSTANTS.items()
            for node in ast.parse(archive.read(path)).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
        }
        paths = {path: found for path, found in PATHS.items() if f'"{found}"'.encode() in archive.read(path)}
    return {
        "version": version,
        "methods": methods,
        "fields": fields,
        "bases": bases,
        "constants": {**constants},
        "paths": [*sorted(paths.values())],
    }


def _fields(node: ast.ClassDef) -> dict[str, JsonValue]:
    """Names of a class's fields, with their defaults; null for none."""
    return {
        each.target.id: None if each.value is None else ast.unparse(each.value)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and not each.target.id.startswith("_")
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(record(Path(sys.argv[1])), indent=1) + "\n")
