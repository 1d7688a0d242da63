"""Prompts to and from a real Phoenix server: pinned, unchanged to the letter, told when they move."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tests.cells import answer, bench_of
from tests.support import PHOENIX, Run, free_port, served, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.phoenix.client import KEY_VARIABLE, Phoenix
from vlmbench_assets.phoenix.pull import Which, pulled_entry
from vlmbench_assets.phoenix.templates import (
    F_STRING,
    MUSTACHE,
    Part,
    UntranslatableError,
    from_jinja,
    from_phoenix,
    to_jinja,
    to_phoenix,
)
from vlmbench_assets.plan import make_plan
from vlmbench_assets.work.prompt import VARIABLES, environment
from vlmbench_sdk import CatalogError

CELL = Cell(model="echo", dataset="tiny")
TEXTS = st.text(st.sampled_from("ab {}%#\\\"'\n\r\tя\u2028") | st.characters(codec="utf-8"), max_size=12)
PARTS = st.lists(
    st.builds(Part, TEXTS, st.just(value=False))
    | st.builds(Part, st.sampled_from(["question", "field", "doc_type"]), st.just(value=True)),
    max_size=6,
)
RENDER = """
import importlib.util, json, sys, types
# Without what the packages import for a whole server, which takes ten seconds of processor time.
root = importlib.util.find_spec("phoenix").submodule_search_locations[0]
for name in ("phoenix", "phoenix.client", "phoenix.db"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = ["/".join([root, *name.split(".")[1:]])]
from phoenix.client.utils import template_formatters as theirs
from phoenix.utilities import template_formatters as server
clients = {"MUSTACHE": theirs.MUSTACHE_TEMPLATE_FORMATTER, "F_STRING": theirs.F_STRING_TEMPLATE_FORMATTER,
           "NONE": theirs.NO_OP_FORMATTER}
servers = {"MUSTACHE": server.MustacheTemplateFormatter(), "F_STRING": server.FStringTemplateFormatter(),
           "NONE": server.NoOpFormatter()}
cases = json.load(sys.stdin)
json.dump([[clients[form].format(text, variables=values),
            servers[form].format(text, **values)] for form, text, values in cases],
          sys.stdout)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Phoenix of this module's own, without telemetry."""
    folder = tmp_path_factory.mktemp("phoenix")
    ports = [free_port(), free_port()]
    own = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(ports[0]),
        "PHOENIX_GRPC_PORT": str(ports[1]),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PHOENIX_")}
    url = f"http://127.0.0.1:{ports[0]}"
    with served([str(PHOENIX / "phoenix"), "serve"], f"{url}/healthz", folder, {**inherited, **own}):
        yield url


def version(user: str, form: str = MUSTACHE, **more: JsonValue) -> dict[str, JsonValue]:
    """A version as Phoenix's own pages make it."""
    return {
        "model_provider": "OPENAI",
        "model_name": "any",
        "invocation_parameters": {"type": "openai", "openai": {}},
        "template_type": "CHAT",
        "template_format": form,
        "template": {"type": "chat", "messages": [{"role": "user", "content": user}]},
        **more,
    }


def render(text: str, values: dict[str, str]) -> str:
    return environment().from_string(text).render(values)


@given(PARTS)
def test_templates_come_back_as_they_were(parts: list[Part]) -> None:
    form, [text] = to_phoenix([parts])
    read = from_phoenix(text, form)
    assert from_jinja(to_jinja(read)) == read
    values = dict.fromkeys(VARIABLES, "{{ x }}")
    assert render(to_jinja(read), values) == "".join(
        values[part.text] if part.variable else part.text for part in parts
    )


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{{#field}}x{{/field}}", MUSTACHE),
        ("{{{field}}}", MUSTACHE),
        ("{{&field}}", MUSTACHE),
        ("{{! a comment }}", MUSTACHE),
        ("{{field.name}}", MUSTACHE),
        (r"\{{field}}", MUSTACHE),
        ("{{=<% %>=}}", MUSTACHE),
        ("an open {{ brace", MUSTACHE),
        ("{{ input }}", MUSTACHE),
        ("{field!r}", F_STRING),
        ("{field:>10}", F_STRING),
        ("{field.name}", F_STRING),
        ("{}", F_STRING),
        ("{0}", F_STRING),
        ("}", F_STRING),
        ("x", "JINJA"),
    ],
)
def test_what_cannot_be_taken_letter_by_letter_is_refused(text: str, form: str) -> None:
    with pytest.raises(UntranslatableError):
        from_phoenix(text, form)


@pytest.mark.parametrize(
    "text", ["{{ field|upper }}", "{% if field %}x{% endif %}", "{{ 'a' }}", "{{- field }}", "{# c #}"]
)
def test_what_only_jinja_can_do_is_not_pushed(text: str) -> None:
    with pytest.raises(UntranslatableError):
        from_jinja(text)


@pytest.mark.parametrize("url", ["ftp://host", "file:///etc/passwd", "http://user:word@host", "host:6006", "http://"])
def test_an_address_is_one_of_a_server_without_a_password(url: str) -> None:
    with pytest.raises(CatalogError, match="http://host:6006") as caught:
        Phoenix(url)
    assert "word@" not in str(caught.value)


@pytest.mark.engine("phoenix")
def test_phoenix_itself_renders_the_same() -> None:
    """Its client and its server, over what their formats make special."""
    values = {"question": "How {much}?", "field": "{{total}}", "doc_type": "чек\n"}
    literals = ["", "a ", "{", "}", "{%", "{#", "}}", '{"a": ', "\r\n", "\\", "{{", "я\n"]
    cases, wanted = [], []
    for before in literals:
        for after in literals:
            for parts in ([Part(before), Part("field", variable=True), Part(after)], [Part(before), Part(after)]):
                form, [text] = to_phoenix([[part for part in parts if part.text]])
                cases.append([form, text, values])
                wanted.append(render(to_jinja(from_phoenix(text, form)), values))
    done = subprocess.run(
        [PHOENIX / "python", "-c", RENDER], input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [[text, text] for text in wanted] == json.loads(done.stdout)
    assert {form for form, _, _ in cases} == {"NONE", "MUSTACHE", "F_STRING"}


@pytest.mark.engine("phoenix")
def test_a_pulled_prompt_is_pinned_and_a_moved_tag_is_told(server: str, workspace: Path, vlmbench: Run) -> None:
    phoenix = Phoenix(server)
    first = phoenix.create("ask", version('{{ field }} as {"value": {{field}}}'))
    phoenix.tag(first.id, "production")
    at = ("--server", server)
    said = vlmbench("prompts", "pull", "ask", "--tag", "production", *at, check=0).stdout
    assert f"ask version {first.id}" in said
    write_yaml(workspace, "models/echo", "plugin: echo\nprompts: ask\noptions: {answer: '{prompt}'}\n")
    facts = answer(workspace, "echo", "tiny").facts["prompts"]
    assert isinstance(facts, dict)
    assert isinstance(facts["pulled"], dict)
    assert facts["pulled"]["versions"] == {"ask": first.id}
    assert 'f0 as {"value": f0}' in vlmbench("prompts", "show", "echo", "tiny", check=0).stdout
    assert "same" in vlmbench("prompts", "pull", "--check", *at, check=0).stdout

    second = phoenix.create("ask", version("What is {{ field }}?"))
    phoenix.tag(second.id, "production")
    assert f"now {second.id}, other texts" in vlmbench("prompts", "pull", "--check", *at, check=1).stdout
    assert make_plan(bench_of(workspace), [CELL]).cells[0].judged.to_ask == 0, "nothing changes by itself"
    said = vlmbench("prompts", "pull", "ask", "--tag", "production", *at, check=0).stdout
    assert f"{second.id}, was {first.id}" in said
    assert "the texts changed" in said
    assert make_plan(bench_of(workspace), [CELL]).cells[0].judged.to_ask == 4
    said = vlmbench("prompts", "pull", "ask", "--version", first.id, *at, check=0).stdout
    assert make_plan(bench_of(workspace), [CELL]).cells[0].judged.to_ask == 0, "the same text is the same prompt"
    phoenix.tag(phoenix.create("ask", version('{{field}} as {"value": {{field}}}')).id, "production")
    vlmbench("prompts", "pull", "ask", "--tag", "production", *at, check=0)
    assert make_plan(bench_of(workspace), [CELL]).cells[0].judged.to_ask == 0, "another version, the same text"
    assert "not asked" in vlmbench("prompts", "pull", "--check", "--server", "http://127.0.0.1:9", check=1).stdout


@pytest.mark.engine("phoenix")
def test_a_collection_goes_there_and_back(server: str, workspace: Path, vlmbench: Run) -> None:
    text = (
        "system: 'Read {\"a\"}.'\nuser: '{{ question }}'\nexamples: [{user: 'a {{b}}', assistant: c}]\n"
        "rules:\n- {field: [f1], user: \"{{ field }} {x}\\n1e5\"}\n- {field: [дата], user: 'no', system: ''}\n"
    )
    write_yaml(workspace, "prompts/mine", text)
    at = ("--server", server)
    pushed = vlmbench("prompts", "push", "mine", "--tag", "v1", *at, check=0).stdout.splitlines()
    names = [line.split()[0] for line in pushed]
    assert names[:2] == ["mine", "mine-f1"]
    assert all("(new)" in line for line in pushed)
    again = vlmbench("prompts", "push", "mine", "--tag", "v1", *at, check=0).stdout
    assert again.count("(as it was)") == 3
    vlmbench("prompts", "pull", *names, "--tag", "v1", "--as", "back", *at, check=0)
    collections = bench_of(workspace).catalog.collections
    assert collections["back"].parts == collections["mine"].parts

    path = workspace / "registries/prompts/back.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("1e5", "1e6"), encoding="utf-8")
    assert "not those that were pulled" in vlmbench("check", check=1).stdout
    path.write_text(path.read_text(encoding="utf-8") + "expects: {type: number}\n", encoding="utf-8")
    refused = vlmbench("prompts", "pull", "mine", "--tag", "v1", "--as", "back", *at)
    assert refused.returncode == 1
    assert "expects" in refused.stderr
    write_yaml(workspace, "prompts/back", "user: my own\n")
    assert "was not pulled" in vlmbench("prompts", "pull", "mine", "--as", "back", *at, check=1).stderr
    vlmbench("prompts", "pull", "mine", "--as", "got", *at, check=0)
    write_yaml(workspace, "prompts/back", "extends: got\nexpects: {type: number}\n")
    vlmbench("check", check=0)
    write_yaml(workspace, "prompts/back", "extends: got\nuser: my own\n")
    vlmbench("check", check=1)
    write_yaml(workspace, "prompts/back", "extends: got\nuser: my own\npulled: null\n")
    vlmbench("check", check=0)


@pytest.mark.engine("phoenix")
@pytest.mark.parametrize(
    ("name", "made", "says"),
    [
        ("mustache", version("{{#field}}x{{/field}}"), "only `{{variable}}`"),
        ("unknown", version("{{ input }}"), "no variable `input`"),
        ("tools", version("x", tools={"type": "tools", "tools": [
            {"type": "function", "function": {"name": "f"}}]}), "it has tools"),
        ("ending", version("x", template={"type": "chat", "messages": [
            {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}), "end with the user"),
        ("example", version("x", template={"type": "chat", "messages": [
            {"role": "user", "content": "{{field}}"}, {"role": "assistant", "content": "y"},
            {"role": "user", "content": "x"}]}), "cannot hold the variable"),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_taken_is_refused(
    server: str, name: str, made: dict[str, JsonValue], says: str
) -> None:
    phoenix = Phoenix(server)
    phoenix.create(name, made)
    with pytest.raises(CatalogError, match=says):
        pulled_entry(phoenix, Which((name,)))


@pytest.mark.engine("phoenix")
def test_what_is_not_there_and_where_rules_come_from(server: str) -> None:
    phoenix = Phoenix(server)
    phoenix.create("plain", version("x"))
    for which in (
        Which(("nobody",)),
        Which(("plain",), tag="none"),
        Which(("plain",), version="UHJvbXB0VmVyc2lvbjo5OQ=="),
    ):
        with pytest.raises(CatalogError, match="there is no prompt"):
            pulled_entry(phoenix, which)
    phoenix.create("other", version("y"))
    with pytest.raises(CatalogError, match="does not say what samples"):
        pulled_entry(phoenix, Which(("plain", "other")))
    system: JsonValue = {"role": "developer", "content": [{"type": "text", "text": "Read."}]}
    messages: list[JsonValue] = [system, {"role": "user", "content": "x"}]
    phoenix.create("parts", version("x", template={"type": "chat", "messages": messages}))
    assert pulled_entry(phoenix, Which(("parts",)))[0].system == "Read."


def test_a_server_s_words_never_hold_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that repeats the key in its error, and one that is not there."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Repeats(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if "moved" in self.path else 401)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(f"bad {self.headers['Authorization']}".encode())

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv(KEY_VARIABLE, "very-secret")
    with HTTPServer(("127.0.0.1", 0), Repeats) as service:
        Thread(target=service.serve_forever, daemon=True).start()
        phoenix = Phoenix(f"http://127.0.0.1:{service.server_port}")
        for prompt, status in (("a", "401"), ("moved", "302")):
            with pytest.raises(CatalogError, match=status) as caught:
                phoenix.latest(prompt)
            assert "very-secret" not in str(caught.value)
        service.shutdown()
    with pytest.raises(CatalogError, match="cannot be asked"):
        phoenix.latest("a")


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    from vlmbench_assets.phoenix.pull import write_entry
    from vlmbench_assets.yaml_file import read_yaml
    from vlmbench_sdk import PromptEntry
    from vlmbench_sdk.entries import Pulled

    pulled = Pulled(server="http://h", by="latest", versions={"no": "1e5"}, sha256="0" * 64)
    texts = ["1e5", "no", " a\n b\n", "a\r\nb", "null", "\t", "\u2028", "a: b\n\n", "'", "…\n  x", "#\n"]
    for text in texts:
        entry = PromptEntry(user=text, system=text, pulled=pulled)
        write_entry(tmp_path / "prompts/x.yaml", entry)
        assert PromptEntry.model_validate(read_yaml(tmp_path / "prompts/x.yaml").data) == entry
        assert yaml.safe_load((tmp_path / "prompts/x.yaml").read_text(encoding="utf-8"))["user"] == text
