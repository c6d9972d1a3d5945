"""The programs on the pages of the history and the trace format do what the pages say: each is
compiled as it stands there, logs a run, and `pel check` judges it."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pel_fuzz.cli.app import run as pel
from pel_fuzz.exit_codes import ExitCode

PAGES = Path(__file__).resolve().parents[2] / "docs" / "formats"
SECONDS = 240

GO_HISTORY = """
func main() {
	l := &Log{out: os.Stdout}
	fmt.Println(`{"pel":"history","version":1,"transitions":2,"version_order":"preset","session_order":false}`)
	at := []any{"balance", "0xaa"}
	before := Version{-1, 0}
	read, write := Access{at, "0x64", &before}, Access{at, "0x5a", nil}
	l.Incarnation(Version{0, 0}, "executed", []Access{read}, []Access{write})
	from := Version{SEEN}
	l.Incarnation(Version{1, 0}, "executed", []Access{{at, VALUE, &from}}, []Access{})
	for p := range 2 {
		l.Validation(Version{p, 0}, true)
		l.Commit(Version{p, 0})
	}
	l.End()
}
"""
RUST_HISTORY = """
fn main() {
    println!(r#"{{"pel":"history","version":1,"transitions":2,"version_order":"preset","session_order":false}}"#);
    let at = r#"["balance","0xaa"]"#;
    let read = access(at, r#""0x64""#, Some((-1, 0)));
    let write = access(at, r#""0x5a""#, None);
    println!("{}", incarnation((0, 0), &[read], &[write]));
    let read = access(at, r#"VALUE"#, Some((SEEN)));
    println!("{}", incarnation((1, 0), &[read], &[]));
    println!("{}", commit((0, 0)));
    println!("{}", commit((1, 0)));
    println!(r#"{{"event":"end","events":4}}"#);
}
"""
GO_TRACE = """
func main() {
	fmt.Println(`{"pel":"trace","version":1,"rules":"optimistic","workers":2,"transitions":2,"order":"partial"}`)
	one, two := &Worker{id: 0}, &Worker{id: 1}
	at := []any{"balance", "0xaa"}
	one.Read(0, 0, at, nil)
	one.Publish(0, 0, []any{at}, 0)
	one.Validate(0, 0, true, 1)
	two.Read(1, 0, at, nil)
	two.Publish(1, 0, []any{}, 0)
	two.Abort(1, 0, 1)
	two.Read(1, 1, at, []any{SEEN})
	two.Publish(1, 1, []any{}, 2)
	two.Validate(1, 1, true, 3)
	two.CommitBlock()
	for _, w := range []*Worker{one, two} {
		for _, line := range w.lines {
			fmt.Println(string(line))
		}
	}
}
"""
RUST_TRACE = """
fn main() {
    println!(r#"{{"pel":"trace","version":1,"rules":"optimistic","workers":2,"transitions":2,"order":"partial"}}"#);
    let at = r#"["balance","0xaa"]"#;
    let mut one = Worker { id: 0, lines: vec![] };
    let mut two = Worker { id: 1, lines: vec![] };
    one.read((0, 0), at, None);
    one.publish((0, 0), &[at.into()]);
    one.validate((0, 0), true);
    two.read((1, 0), at, None);
    two.publish((1, 0), &[]);
    two.abort((1, 0));
    two.read((1, 1), at, Some((SEEN)));
    two.publish((1, 1), &[]);
    two.validate((1, 1), true);
    two.commit_block();
    for line in one.lines.iter().chain(&two.lines) {
        println!("{line}");
    }
}
"""
GO_HEAD = "package main\n\nimport ({})\n\n"


def program(page: str, language: str, main: str, right: bool) -> str:
    """The page's own code with a `main` that logs a run, a right one or a wrong one."""
    text = (PAGES / page).read_text()
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    seen, value = ("0, 0", '"0x5a"') if right else ("-1, 0", '"0x64"')
    if page == "trace.md" and not right:
        seen = "0, 7"
    main = main.replace("SEEN", seen).replace("VALUE", value)
    if language == "rust":
        return f"#![allow(dead_code)]\n{code}{main}"
    used = [name for name in ("fmt", "io", "os", "sync") if f"{name}." in code + main]
    return GO_HEAD.format("; ".join(f'"{each}"' for each in ("encoding/json", *used))) + code + main


def output(compiler: str, language: str, source: str, folder: Path) -> bytes:
    """What the program prints. Compiled offline, with caches of its own."""
    path = folder / f"main.{'go' if language == 'go' else 'rs'}"
    path.write_text(source)
    built = folder / "main"
    flags = ["build", "-o"] if language == "go" else ["--edition", "2021", "-o"]
    done = subprocess.run(
        [compiler, *flags, str(built), str(path)],
        cwd=folder,
        env={"HOME": str(folder), **os.environ},  # where there is none, its caches go there
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return subprocess.run([built], capture_output=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize(
    ("page", "language", "main"),
    [
        ("history.md", "go", GO_HISTORY),
        ("history.md", "rust", RUST_HISTORY),
        ("trace.md", "go", GO_TRACE),
        ("trace.md", "rust", RUST_TRACE),
    ],
    ids=["history-go", "history-rust", "trace-go", "trace-rust"],
)
def test_a_log_written_as_the_page_says(
    page: str,
    language: str,
    main: str,
    right: bool,
    tmp_path: Path,
    toolchain: Callable[[str], str],
) -> None:
    compiler = toolchain({"go": "go", "rust": "rustc"}[language])
    log = tmp_path / "log.jsonl"
    log.write_bytes(output(compiler, language, program(page, language, main, right), tmp_path))
    arguments = ["check", str(log)] if page == "history.md" else ["check", "--trace", str(log)]
    assert pel(arguments) is (ExitCode.AGREE if right else ExitCode.DIFFER)
