from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import EnvReader, keep_secret_key


@pytest.fixture
def reader(monkeypatch):
    def make(value=None):
        if value is None:
            monkeypatch.delenv("A_VARIABLE", raising=False)
        else:
            monkeypatch.setenv("A_VARIABLE", value)
        return EnvReader()

    return make


@pytest.mark.parametrize("value", [None, "", "   "])
def test_what_is_not_set_takes_its_default(reader, value):
    env = reader(value)

    assert env.text("A_VARIABLE", "d") == "d"
    assert env.flag("A_VARIABLE", True) is True
    assert env.integer("A_VARIABLE", 7) == 7
    assert env.seconds("A_VARIABLE", 1.5) == 1.5
    assert env.choice("A_VARIABLE", "b", ("a", "b")) == "b"
    assert env.items("A_VARIABLE", ["x"]) == ["x"]
    assert env.url("A_VARIABLE", "http://x", schemes=("http",)) == "http://x"
    assert env.origins("A_VARIABLE") == []
    assert env.database("A_VARIABLE", {"ENGINE": "e"}) == {"ENGINE": "e"}
    assert env.names == {"A_VARIABLE"}


@pytest.mark.parametrize(
    ("value", "read"), [("1", True), ("TRUE", True), ("on", True), ("no", False), ("0", False)]
)
def test_a_flag_has_a_few_words(reader, value, read):
    assert reader(value).flag("A_VARIABLE", not read) is read


def test_lists_numbers_and_addresses_are_read(reader):
    assert reader(" a, b ,,c ").items("A_VARIABLE") == ["a", "b", "c"]
    assert reader("20").integer("A_VARIABLE", 1, maximum=20) == 20
    assert reader("2.5").seconds("A_VARIABLE", 1) == 2.5
    assert reader("LOCAL").choice("A_VARIABLE", "x", ("local",)) == "local"
    assert reader("https://h:8/p/").url("A_VARIABLE", "", schemes=("https",)) == "https://h:8/p"
    assert reader("http://a.b:5173,https://c").origins("A_VARIABLE") == [
        "http://a.b:5173",
        "https://c",
    ]


def test_prices_are_read(reader):
    env = reader('{"m": {"input": 0.15, "minute": 1}}')

    assert env.prices("A_VARIABLE", ("input", "minute")) == {"m": {"input": 0.15, "minute": 1}}
    assert reader("").prices("A_VARIABLE", ("input",)) == {}


@pytest.mark.parametrize(
    "value",
    [
        "0.15",
        "[1]",
        "{",
        '{"m": 0.15}',
        '{"m": {}}',
        '{"m": {"hour": 1}}',
        '{"m": {"input": "1"}}',
        '{"m": {"input": true}}',
        '{"m": {"input": -1}}',
        '{"m": {"input": NaN}}',
        '{"m": {"input": Infinity}}',
    ],
)
def test_prices_that_are_none_stop_the_start(reader, value):
    with pytest.raises(ImproperlyConfigured, match="A_VARIABLE is not usable: set it to JSON"):
        reader(value).prices("A_VARIABLE", ("input",))


def test_databases_are_read(reader):
    postgres = reader("postgres://u:p%40ss@db.example:5433/parley").database("A_VARIABLE", {})
    assert postgres["ENGINE"] == "django.db.backends.postgresql"
    assert postgres["NAME"] == "parley"
    assert postgres["PASSWORD"] == "p@ss"
    assert postgres["PORT"] == 5433
    sqlite = reader("sqlite:////tmp/x.sqlite3").database("A_VARIABLE", {})
    assert (sqlite["ENGINE"], sqlite["NAME"]) == ("django.db.backends.sqlite3", "/tmp/x.sqlite3")


@pytest.mark.parametrize(
    ("read", "value", "accepted"),
    [
        (lambda env: env.flag("A_VARIABLE", False), "canary", "true"),
        (lambda env: env.integer("A_VARIABLE", 1), "canary", "whole number"),
        (lambda env: env.integer("A_VARIABLE", 1), "1.5", "whole number"),
        (lambda env: env.integer("A_VARIABLE", 1, maximum=20), "21", "from 0 to 20"),
        (lambda env: env.integer("A_VARIABLE", 1, minimum=2), "1", "from 2"),
        (lambda env: env.seconds("A_VARIABLE", 1), "0", "more than 0"),
        (lambda env: env.seconds("A_VARIABLE", 1), "nan", "more than 0"),
        (lambda env: env.choice("A_VARIABLE", "a", ("a", "b")), "canary", "one of a, b"),
        (lambda env: env.url("A_VARIABLE", "", schemes=("https",)), "http://x", "https://"),
        (lambda env: env.url("A_VARIABLE", "", schemes=("https",)), "canary", "https://"),
        (lambda env: env.url("A_VARIABLE", "", schemes=("https",)), "https://", "https://"),
        (lambda env: env.url("A_VARIABLE", "", schemes=("https",)), "https://h:x", "https://"),
        (lambda env: env.origins("A_VARIABLE"), "https://h/path", "without a path"),
        (lambda env: env.origins("A_VARIABLE"), "h.example", "https://app.example.com"),
        (lambda env: env.origins("A_VARIABLE"), "*", "https://app.example.com"),
        (lambda env: env.database("A_VARIABLE", {}), "mysql://u:canary@h/d", "postgres://"),
        (lambda env: env.database("A_VARIABLE", {}), "postgres://u:canary@h", "postgres://"),
        (lambda env: env.database("A_VARIABLE", {}), "canary", "postgres://"),
    ],
)
def test_a_value_that_cannot_be_used_names_the_variable_and_what_is_accepted(
    reader, read, value, accepted
):
    with pytest.raises(ImproperlyConfigured) as refused:
        read(reader(value))

    assert "A_VARIABLE" in str(refused.value)
    assert accepted in str(refused.value)
    assert "canary" not in str(refused.value)


def test_the_real_environment_wins_over_the_file(monkeypatch, tmp_path):
    file = tmp_path / ".env"
    file.write_text('A_VARIABLE=file\nANOTHER_VARIABLE="with space"\n# A_COMMENT=x\n')
    monkeypatch.setenv("A_VARIABLE", "real")
    # Set and deleted, so that monkeypatch takes away again what the file adds.
    monkeypatch.setenv("ANOTHER_VARIABLE", "")
    monkeypatch.delenv("ANOTHER_VARIABLE")
    env = EnvReader()

    env.load_file(file)
    env.load_file(tmp_path / "no file")

    assert env.text("A_VARIABLE") == "real"
    assert env.text("ANOTHER_VARIABLE") == "with space"
    assert env.text("A_COMMENT") == ""
    os.environ.pop("ANOTHER_VARIABLE", None)


def test_a_kept_key_is_long_stays_the_same_and_is_its_owners(tmp_path):
    file = tmp_path / "new" / "secret-key"

    key = keep_secret_key(file)

    assert len(key) >= 50
    assert keep_secret_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [found.name for found in file.parent.iterdir()] == ["secret-key"]
    assert keep_secret_key(tmp_path / "other") != key


def test_processes_that_start_together_agree_on_a_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: keep_secret_key(tmp_path / "secret-key"), range(8)))

    assert len(set(keys)) == 1
