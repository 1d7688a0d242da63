"""The history in a real PostgreSQL, as the how-to page says."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import POSTGRES, REPOSITORY, Run

OWNER = "postgres"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of its own in a folder of its own, reached by a socket that lies there."""
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    user = OWNER if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="vlmbench-postgres-"))
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        subprocess.run([str(POSTGRES / program), *arguments], check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--pgdata", f"{folder}/data", "--username", OWNER, "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", options)
        yield f"postgresql+psycopg2://{OWNER}@/postgres?host={folder}"
        run("pg_ctl", "stop", "-D", f"{folder}/data", "--mode", "immediate")
    finally:
        shutil.rmtree(folder)


def asked(address: str, sql: str) -> list[str]:
    command = [str(POSTGRES / "psql"), address.replace("+psycopg2", ""), "-Atc", sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.engine("postgres")
def test_the_history_is_kept_in_postgresql(
    address: str, workspace: Path, vlmbench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (REPOSITORY / "docs/how-to/keep_history_in_postgresql.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```yaml\n# file: dagster.yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (workspace / "dagster.yaml").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("VLMBENCH_POSTGRES_URL", address)
    vlmbench("run", check=0)
    assert (workspace / ".dagster/dagster.yaml").readlink() == Path("../dagster.yaml")
    assert not (workspace / ".dagster/history").exists()
    keys = "SELECT DISTINCT asset_key FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    made = {f'["{name}"]' for name in ("model", "samples", "answers", "metrics", "aggregates", "report", "leaderboard")}
    assert set(asked(address, keys)) == made
    assert asked(address, "SELECT status FROM runs") == ["SUCCESS", "SUCCESS"]

    monkeypatch.setenv("VLMBENCH_POSTGRES_URL", "postgresql+psycopg2://me:hidden@/postgres?host=/nowhere")
    said = vlmbench("run", "--all", check=1).stderr
    assert "the Dagster instance cannot be opened" in said
    assert "Traceback" not in said
    assert "hidden" not in said
