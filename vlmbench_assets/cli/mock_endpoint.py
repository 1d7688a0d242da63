"""`vlmbench mock-endpoint`: an OpenAI-compatible endpoint without a model."""

import asyncio
import contextlib
import json
import os
from pathlib import Path

import click
from pydantic import JsonValue

from vlmbench_assets.mock_endpoint.service import FAULTS, PASSING, Fault, Service
from vlmbench_sdk import WorkspaceError

RATE = click.FloatRange(0, 1)
TIME = click.FloatRange(min=0)


@click.command("mock-endpoint")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8399, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--answer", default="{prompt}", show_default=True, help="What it says; {prompt} and {image} are filled in."
)
@click.option(
    "--answers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON object of answers by prompt, or by a picture's SHA-256.",
)
@click.option("--slots", default=16, show_default=True, type=click.IntRange(1), help="Requests worked on at a time.")
@click.option("--ttft-ms", default=50.0, show_default=True, type=TIME, help="Mean time to the first token.")
@click.option("--tpot-ms", default=2.0, show_default=True, type=TIME, help="Mean time of each further token.")
@click.option(
    "--spread", default=0.0, show_default=True, type=TIME, help="Sigma of the log-normal times; 0: all equal."
)
@click.option("--fault-rate", default=0.0, show_default=True, type=RATE, help="Share of attempts with a passing fault.")
@click.option("--fault", "faults", multiple=True, type=click.Choice(FAULTS), help="Which; once for each. Default: all.")
@click.option("--poison-rate", default=0.0, show_default=True, type=RATE, help="Share of requests that always fail.")
@click.option("--poison", default="500", show_default=True, type=click.Choice(FAULTS), help="How those fail.")
@click.option("--retry-after-s", default=0.1, show_default=True, type=TIME, help="What a 429 asks for.")
@click.option("--seed", default=0, show_default=True, type=int, help="Decides what fails and how long each takes.")
@click.option("--key-env", default="", help="Environment variable with the key that requests must carry.")
def mock_endpoint(
    host: str,
    port: int,
    answers: Path | None,
    faults: tuple[Fault, ...],
    key_env: str,
    **settings: float | str,
) -> None:
    """Serve known answers at a known speed, with known faults, as an OpenAI-compatible chat endpoint.

    It has no model: it is for trying things out where no key is at hand, and for measuring clients.
    GET /stats says what it saw.
    """
    service = Service(
        answers=_read(answers),
        faults=faults or PASSING,
        api_key=os.environ.get(key_env, "") if key_env else "",
        **settings,  # type: ignore[arg-type] # click has checked the types by the options above
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(service, host, port))


async def _serve(service: Service, host: str, port: int) -> None:
    from vlmbench_assets.mock_endpoint.server import Mock

    try:
        server, url = await Mock(service).listen(host, port)
    except OSError as error:
        fix = "Choose another one with --port; 0 takes a free one"
        raise WorkspaceError(f"cannot listen ({error.strerror})", where=f"{host}:{port}", fix=fix) from error
    click.echo(f"mock endpoint: base_url {url} (Ctrl-C ends it)")
    async with server:
        await server.serve_forever()


def _read(path: Path | None) -> dict[str, JsonValue]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"cannot be read as JSON ({error})", where=str(path)) from error
    if not isinstance(found, dict):
        raise WorkspaceError("is no JSON object of answers", where=str(path))
    return found
