"""The caches and the configuration of the user's tools, as far as commands may see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_orch.sandbox import configuration
from git_orch.sandbox.shares import caches

PLACES = {
    ".cache/go-build": "go",
    "go/pkg/mod": "go",
    ".cargo/registry": "cargo",
    ".cargo/git": "cargo",
    ".npm/_cacache": "npm",
    ".local/share/pnpm/store": "pnpm",
    ".cache/yarn": "yarn",
    ".cache/pip": "pip",
    ".cache/uv": "uv",
    ".m2/repository": "maven",
    ".gradle/caches": "gradle",
    ".gradle/wrapper": "gradle",
    ".cache/composer": "composer",
    ".nuget/packages": "nuget",
    ".hex/packages": "hex",
    ".cache/deno": "deno",
    ".bun/install/cache": "bun",
    ".bundle/cache": "bundler",
    ".cache/pypoetry": "poetry",
    ".local/share/virtualenvs": "pipenv",
}


@pytest.mark.parametrize(("place", "tool"), PLACES.items(), ids=PLACES)
def test_the_cache_of_a_tool_is_seen_where_it_is(tmp_path: Path, place: str, tool: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    [share] = caches.find(str(tmp_path), {}, ()).caches
    assert (share.name, share.source, share.place) == (tool, *[str(tmp_path / place)] * 2)


VARIABLES = {
    "GOCACHE": "",
    "GOMODCACHE": "",
    "GOPATH": "pkg/mod",
    "CARGO_HOME": "registry",
    "npm_config_cache": "_cacache",
    "YARN_CACHE_FOLDER": "",
    "PIP_CACHE_DIR": "",
    "UV_CACHE_DIR": "",
    "GRADLE_USER_HOME": "caches",
    "NUGET_PACKAGES": "",
    "DENO_DIR": "",
    "BUN_INSTALL": "install/cache",
}


@pytest.mark.parametrize(("variable", "below"), VARIABLES.items(), ids=VARIABLES)
def test_a_cache_that_a_variable_names_is_seen_there_and_commands_get_the_variable(
    tmp_path: Path, variable: str, below: str
) -> None:
    home, chosen = tmp_path / "home", tmp_path / "disk"
    (chosen / below).mkdir(parents=True)
    home.mkdir()
    tools = caches.find(str(home), {variable: str(chosen)}, ())
    assert [share.place for share in tools.caches] == [str(chosen / below)]
    assert tools.variables == {variable: str(chosen)}


def test_caches_of_another_cache_directory_are_seen_at_the_usual_place(tmp_path: Path) -> None:
    """Commands do not know that directory, and could not make another cache beside it."""
    (tmp_path / "disk/pip").mkdir(parents=True)
    [share] = caches.find("/home/ada", {"XDG_CACHE_HOME": str(tmp_path / "disk")}, ()).caches
    assert (share.source, share.place) == (str(tmp_path / "disk/pip"), "/home/ada/.cache/pip")


def test_what_go_has_written_down_counts(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / ".config/go").mkdir(parents=True)
    (tmp_path / ".config/go/env").write_text(f"GOMODCACHE={tmp_path}/modules\n")
    tools = caches.find(str(tmp_path), {}, ())
    assert [share.place for share in tools.caches] == [f"{tmp_path}/modules"]


@pytest.mark.parametrize("above", ["", "/.."], ids=["home", "above home"])
def test_no_variable_shows_a_home_directory(tmp_path: Path, above: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert caches.find(str(home), {"PIP_CACHE_DIR": f"{home}{above}"}, ()).caches == ()


@pytest.mark.parametrize("value", ["", "relative/path", "~/cache"])
def test_a_variable_without_an_absolute_path_names_nothing(tmp_path: Path, value: str) -> None:
    (tmp_path / ".cache/pip").mkdir(parents=True)
    tools = caches.find(str(tmp_path), {"PIP_CACHE_DIR": value}, ())
    assert [share.place for share in tools.caches] == [str(tmp_path / ".cache/pip")]
    assert tools.variables == {}


def written(file: Path, text: str) -> Path:
    """The file, with this text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


HARMLESS = {
    ".cargo/config.toml": "[net]\noffline = true\n[registries.mine]\nindex = 'https://example.com'\n",
    ".npmrc": "fund=false\nregistry=https://registry.example.com/\n# see: the auth docs\n",
    ".config/pip/pip.conf": "[global]\nindex-url = https://pypi.example.com/simple\n",
    ".m2/settings.xml": "<settings><mirrors><mirror><id>central</id></mirror></mirrors></settings>",
    ".config/go/env": "GOFLAGS=-mod=mod\nGOPRIVATE=example.com\n",
    ".bundle/config": '---\nBUNDLE_PATH: "vendor/bundle"\n',
    ".gradle/gradle.properties": "org.gradle.jvmargs=-Xmx2g\n",
    ".yarnrc.yml": "nodeLinker: node-modules\n",
    ".nuget/NuGet/NuGet.Config": '<add key="nuget.org" value="https://api.nuget.org/v3/index.json"/>',
    ".gemrc": "gem: --no-document --user-install\n",
    ".condarc": "channels:\n  - conda-forge\nssl_verify: true\n",
    ".cargo/config": "[source.crates-io]\nreplace-with = 'v'\n[source.v]\ndirectory = '/nix/store/"
    "0123456789abcdfghijklmnpqrsvwxyz-v'\n[target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\n",
    ".config/composer/config.json": '{"config": {"github-protocols": ["https"], "sort-packages": true}}',
    ".gradle/init.gradle": "allprojects { repositories { maven { url 'https://example.com/m2' } } }\n",
    ".yarnrc": 'registry "ssh://git@example.com/npm"\ninit-author-name "Ada"\n',
}


@pytest.mark.parametrize(("name", "text"), HARMLESS.items(), ids=HARMLESS)
def test_configuration_without_a_secret_is_shown(tmp_path: Path, name: str, text: str) -> None:
    file = written(tmp_path / name, text)
    tools = caches.find(str(tmp_path), {}, ())
    assert (tools.shown, tools.hidden) == ((str(file),), ())


SECRET = {
    ".cargo/config.toml": "[registries.mine]\ntoken = 'abc'\n",
    ".npmrc": "//registry.example.com/:_authToken=abc\n",
    ".config/pip/pip.conf": "[global]\nindex-url = https://ada:pass@pypi.example.com/simple\n",
    ".m2/settings.xml": "<server><username>ada</username><password>abc</password></server>",
    ".config/go/env": "GOPROXY=https://ada@example.com\n",
    ".bundle/config": '---\nBUNDLE_GEMS__EXAMPLE__COM: "ada:pass"\n',
    ".gradle/gradle.properties": "ossrhPassword=abc\n",
    ".yarnrc.yml": 'npmAuthToken: "abc"\n',
    ".nuget/NuGet/NuGet.Config": '<add key="ClearTextPassword" value="abc" />',
    ".config/pypoetry/config.toml": "[http-basic.mine]\nusername = 'ada'\npassword = 'abc'\n",
    ".gradle/init.gradle": "x = 'GIVEN-VALUE'\n",
}
FORMS = (
    (".gradle/init.gradle", "credentials { username 'me'\n password 'hunter2' }"),
    (".gradle/gradle.properties", "releases=hunter2\n"),
    (".gradle/gradle.properties", "org.gradle.daemon=true\nmavenPw=hunter2\n"),
    (".yarnrc.yml", 'npmAuthIdent: "me:hunter2"'),
    (".yarnrc.yml", 'npmRegistryServer: "https://npm.example.com/s8df7s9d8f7sd9f87/"'),
    (".condarc", "channels:\n - https://conda.anaconda.org/t/me-secretly/pkgs"),
    (".condarc", "channels:\n - https://example.com/3fa85f64-5717-4562-b3fc-2c963f66afa6/pkgs"),
    (".cargo/config.toml", '[http]\nproxy = "me:hunter2@proxy:80"'),
    (".config/composer/config.json", '{"bearer": {"repo.example": "s8df7"}}'),
    (".config/composer/config.json", '{"github-oauth": {"github.com": "s8df7"}}'),
    (".config/composer/config.json", '{"http-basic": {"x.y": {"user": "a", "p": "b"}}}'),
    (".gemrc", ":sources:\n- https://u:p@x/\n"),
    (".gemrc", ":rubygems_api_key: abc\n"),
    (".npmrc", "# //registry.example.com/:_authToken=abc\n"),
    (".npmrc", ";_password = abc\n"),
    (".pip/pip.conf", "[global]\nproxy = me:pw@proxy:80"),
    (".m2/settings.xml", "<server><id>x</id><passphrase>abc</passphrase></server>"),
    (".m2/settings.xml", "<server>\n<password>\n  abc\n</password></server>"),
    (".mavenrc", "MAVEN_OPTS='-Dnexus.pwd=abc'"),
    (".mix/config.exs", 'config :x, auth_key: "abc"'),
    (".bunfig.toml", '[install.registry]\nurl="https://x"\ntoken="abc"'),
    (".config/go/env", "GOAUTH=command\n"),
)


@pytest.mark.parametrize(("name", "text"), [*SECRET.items(), *FORMS])
def test_configuration_with_a_secret_is_hidden(tmp_path: Path, name: str, text: str) -> None:
    file = written(tmp_path / name, text)
    tools = caches.find(str(tmp_path), {}, ("GIVEN-VALUE",))
    assert (tools.shown, tools.hidden) == ((), (str(file),))


def test_files_of_dependencies_with_a_secret_are_named(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("index-url = https://ada:pass@example.com/\n")
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "config").write_text("BUNDLE_PATH: x\n")
    assert list(configuration.secret_files(str(tmp_path), ())) == ["pip.conf"]


def test_environments_in_a_directory_of_dependencies_are_searched_too(tmp_path: Path) -> None:
    for name, mark in (("py311", "pyvenv.cfg"), ("conda", "conda-meta/history"), ("lib", "x")):
        written(tmp_path / name / mark, "")
        written(tmp_path / name / "pip.conf", "index-url = https://ada:pass@example.com/\n")
    found = {*configuration.secret_files(str(tmp_path), ())}
    assert found == {"py311/pip.conf", "conda/pip.conf"}


def test_a_link_out_of_dependencies_names_no_file_of_theirs(tmp_path: Path) -> None:
    written(tmp_path / "home/pip.conf", "password = abc\n")
    written(tmp_path / "env/etc/pip.conf", "password = abc\n")
    (tmp_path / "env/config").symlink_to("../home/pip.conf")
    (tmp_path / "env/pip.conf").symlink_to("etc/pip.conf")
    assert list(configuration.secret_files(str(tmp_path / "env"), ())) == ["etc/pip.conf"]


# Each would take minutes if a pattern began anew at every character.
LONG = (
    "a",
    "a.",
    "a:",
    "://",
    "BUNDLE_",
    "BUNDLE_X__\n",
    "# a",
    "-----BEGIN ",
    "key=",
    "sk-",
    "0a-",
)


HOLDS = ("BUNDLE_X__\n", "sk-")


@pytest.mark.parametrize("part", LONG)
def test_no_text_is_looked_at_character_by_character_again_and_again(
    tmp_path: Path, part: str
) -> None:
    file = written(tmp_path / "config", part * (80_000 // len(part)))
    assert configuration.holds_secret(str(file), ()) == (part in HOLDS)
