"""Do the tests notice? Plants one small fault at a time and runs the tests that reach it.

`make test-mutants` runs it over the modules of modules.toml. What was tried is kept in
build/mutants, so it may be stopped at any time and goes on where it was: when a module changes, its
mutants are made anew; when only tests change, those that they had not noticed are tried again. (Who
takes tests away deletes what is kept of the module.)

The faults are mutmut's, by its `mutation_operators`, and a few more below. Its own runner changes
functions only, and half of the course's numbers stand outside of them: this one changes modules.
"""

import argparse
import atexit
import builtins
import gc
import hashlib
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import sys
import time
import tomllib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NamedTuple

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KEPT = ROOT / "build" / "mutants"
WORK = KEPT / f"work-{os.getpid()}"  # of this run, since several may go on at a time
NOTICED, SURVIVED, UNREACHED = "noticed", "survived", "unreached"
AGAIN = "survived, and its tests have changed since"
WANTED = 0.9  # of a module's mutants, those that change nothing not counted


# Which faults -------------------------------------------------------------------------------------

# mutmut's others replace a value by None or take a positional argument away: that seldom fails to
# stop the program, and so says little about tests.
THEIRS = [
    mutators.operator_keywords,
    mutators.operator_name,
    mutators.operator_remove_unary_ops,
    mutators.operator_swap_op,
    mutators.operator_symmetric_string_methods_swap,
    mutators.operator_if_exp,
]
OTHER_NAMES = {
    "min": "max",
    "minimum": "maximum",
    "argmin": "argmax",
    "idxmin": "idxmax",
    "any": "all",
    "sum": "mean",
    "mean": "median",
    "first": "last",
    "low": "high",
    "floor": "round",
    "rows": "columns",
    "width": "height",
}
OTHER_NAMES |= {"all": "any", "median": "mean"} | {
    other: one for one, other in OTHER_NAMES.items() if other not in ("mean", "median", "round")
}


def number(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """One more, or a tenth more: a fault ten times as large would be noticed by looser tests."""
    if isinstance(node, cst.Integer):
        yield node.with_changes(value=repr(node.evaluated_value + 1))
    elif isinstance(node, cst.Float):
        yield node.with_changes(value=repr(float(f"{1.1 * node.evaluated_value or 0.1:.12g}")))


def word(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Another key, name or mode. (What has a space in it is for readers.)"""
    one = r"""b?(["'])[\w.%-]*[\w%-]\1"""
    if isinstance(node, cst.SimpleString) and re.fullmatch(one, node.value):
        yield node.with_changes(value=f"{node.value[:-1]}XX{node.value[-1]}")


def other_name(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Attribute) and node.attr.value in OTHER_NAMES:
        yield node.with_changes(attr=cst.Name(OTHER_NAMES[node.attr.value]))
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        other = OTHER_NAMES.get(node.func.value)
        if hasattr(builtins, node.func.value) and other and hasattr(builtins, other):
            yield node.with_changes(func=cst.Name(other))


def without_keyword(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What a keyword asks for is not asked for."""
    if isinstance(node, cst.Call):
        for n, one in enumerate(node.args):
            if one.keyword:
                yield node.with_changes(args=[*node.args[:n], *node.args[n + 1 :]])


def turned_condition(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.If | cst.While) and not isinstance(
        node.test, cst.Comparison | cst.BooleanOperation | cst.UnaryOperation
    ):
        inside = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        turned = cst.UnaryOperation(cst.Not(), inside)
        yield node.with_changes(test=turned, whitespace_before_test=cst.SimpleWhitespace(" "))


def left_out(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A statement that acts, and gives no name to anything."""
    acts = isinstance(node, cst.Expr) and isinstance(node.value, cst.Call)
    fills = isinstance(node, cst.Assign) and isinstance(node.targets[0].target, cst.Subscript)
    if acts or fills or isinstance(node, cst.AugAssign):
        yield cst.Pass()


OURS = [number, word, other_name, without_keyword, turned_condition, left_out]


class Mutant(NamedTuple):
    key: str  # place, line before and after: the same as long as these are
    source: str
    lines: range | None  # of the statement; None: it runs when the module is imported

    @property
    def changes(self) -> set[tuple[str, str]]:
        """The lines before and after, as equivalent.toml may have them: "number" stands for all
        that differ in nothing but a number."""
        _, before, after = self.key.split("\n")
        a, b = (re.sub(r"\d[\d_.]*", "0", line) for line in (before, after))
        return {(before, after)} | ({(before, "number")} if a == b else set())


_ALL = cst.Name("__all__")


class Planter(cst.CSTVisitor):
    """Collects (node, replacement, lines, place) over a module."""

    METADATA_DEPENDENCIES = (PositionProvider,)
    SKIPPED = cst.Annotation | cst.Decorator | cst.Raise | cst.Import | cst.ImportFrom

    def __init__(self) -> None:
        self.found, self.names, self.statements = [], [], []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.names.append((node.name.value, isinstance(node, cst.FunctionDef)))
        if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            self.statements.append(node)
        if isinstance(node, self.SKIPPED):
            return False
        if isinstance(node, cst.SimpleStatementLine):
            first = node.body[0]
            if isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString):
                return False  # a docstring
            if isinstance(first, cst.Assign) and first.targets[0].target.deep_equals(_ALL):
                return False
        ours = (made for operator in OURS for made in operator(node))
        for replacement in [*ours, *self._theirs(node)]:
            self.found.append(
                (node, replacement, self._lines(node), self._place(), self.statements[0])
            )
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.names.pop()
        if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            self.statements.pop()

    def _theirs(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        for kind, operator in mutators.mutation_operators:
            if operator in THEIRS and isinstance(node, kind):
                yield from operator(node)

    def _place(self) -> str:
        return ".".join(name for name, _ in self.names)

    def _lines(self, node: cst.CSTNode) -> range | None:
        inside = sum(function for _, function in self.names)
        if not inside or (inside == 1 and isinstance(self.statements[-1], cst.FunctionDef)):
            return None
        statement = self.statements[-1]
        place = self.get_metadata(PositionProvider, statement)
        if isinstance(statement, cst.BaseCompoundStatement):  # its head, as far as the change
            last = node.test if node is statement else node
            end = self.get_metadata(PositionProvider, last).end.line
        else:
            end = place.end.line
        return range(place.start.line, end + 1)


def mutants(source: str) -> Iterator[Mutant]:
    """All of a module's, in order."""
    module = cst.parse_module(source)
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    wrapper.visit(planter := Planter())
    seen: dict[str, int] = {}
    for node, replacement, lines, place, part in planter.found:
        # Only the part that changes is written anew: the whole would take minutes.
        old = "\n" + module.code_for_node(part)
        new = "\n" + module.code_for_node(part.deep_replace(node, replacement))
        new = source.replace(old, new, 1)
        try:
            compile(new, "a mutant", "exec")
        except SyntaxError:
            continue
        before, after = difference(source, new)
        key = f"{place}\n{before}\n{after}"
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            key = f"{place} ({seen[key]})\n{before}\n{after}"
        yield Mutant(key, new, lines)


def difference(old: str, new: str) -> tuple[str, str]:
    """The lines that differ, joined by spaces."""
    a, b = old.splitlines(), new.splitlines()
    length = min(len(a), len(b))
    head = next((n for n in range(length) if a[n] != b[n]), length)
    most = length - head
    tail = next((n for n in range(most) if a[-1 - n] != b[-1 - n]), most)
    return tuple(
        " ".join(line.strip() for line in lines[head : len(lines) - tail]) for lines in (a, b)
    )


# Trying one ---------------------------------------------------------------------------------------


class Loader(SourceFileLoader):
    """Loads one module from another source than its file's."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, name: str):
        return compile(self.source, self.path, "exec")


class Finder:
    def __init__(self, module: str, path: Path, source: str) -> None:
        self.module, self.path, self.source = module, path, source

    def find_spec(self, name: str, path=None, target=None):
        if name != self.module:
            return None
        loader = Loader(name, str(self.path), self.source)
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)


class Chosen:
    """A plugin of pytest's: only these tests, the quickest first."""

    def __init__(self, order: list[str]) -> None:
        self.order = {id: place for place, id in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order),
            key=lambda item: self.order[item.nodeid],
        )


class Watch:
    """A plugin of pytest's: which lines of a file each test runs, and how long it takes.

    What a fixture runs may serve later tests as well, so it counts for all of them.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.lines, self.shared, self.seconds = str(path), {}, set(), {}
        self.failed = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.lines.pop(report.nodeid, None)
        if report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item):
        with self.into(self.shared):
            yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item):
        start = time.process_time()  # that of the clock depends on what else is running
        with self.into(self.lines.setdefault(item.nodeid, set())):
            yield
        self.seconds[item.nodeid] = time.process_time() - start

    @contextmanager
    def into(self, lines: set[int]) -> Iterator[None]:
        def within(frame, event, argument):
            if event == "line":
                lines.add(frame.f_lineno)
            return within

        def enter(frame, event, argument):
            return within if frame.f_code.co_filename == self.path else None

        before = sys.gettrace()
        sys.settrace(enter)
        try:
            yield
        finally:
            sys.settrace(before)


def in_a_child(act, limit: float) -> int:
    """What `act` returns, run in a process of its own; 124 if it takes longer than `limit`."""
    child = os.fork()
    if not child:
        gc.disable()
        os.setsid()
        nowhere = os.open(WORK / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = 70
        try:
            code = int(act())
        finally:
            sys.stdout.flush()
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 124


def run_tests(files: Iterable[str], stop: str, *plugins: object) -> int:
    # What pytest brings that collects garbage, three times a run, costs more than most tests.
    off = ["cacheprovider", "unraisableexception", "threadexception", "doctest", "junitxml"]
    options = [part for name in off for part in ("-p", f"no:{name}")]
    return pytest.main(
        [*files, *options, stop, "-q", "-m", "not long", f"--basetemp={WORK / 'tmp'}"],
        list(plugins),
    )


# A module's mutants -------------------------------------------------------------------------------


class Module:
    def __init__(self, facts: dict) -> None:
        self.name, self.files, self.preload = facts["name"], facts["tests"], facts["preload"]
        self.seconds = facts.get("seconds", 30)
        self.path = ROOT / "fmnist_utils" / self.name
        self.dotted = ".".join(self.path.relative_to(ROOT).with_suffix("").parts)
        self.dotted = self.dotted.removesuffix(".__init__")
        self.source = self.path.read_text("utf-8")
        self.mutants = list(mutants(self.source))
        self.kept = KEPT / f"{self.name.replace('/', '.')}.json"
        self.state = self.known()
        listed = tomllib.loads((HERE / "equivalent.toml").read_text("utf-8")).get(self.name, [])
        self.equivalent = {(one["was"], to): one["why"] for one in listed for to in one["becomes"]}

    def known(self) -> dict:
        """What has been tried and still holds."""
        digests = {"source": digest(self.source), "tests": digest(*self._test_sources())}
        state = json.loads(self.kept.read_text()) if self.kept.exists() else {}
        if state.get("source") != digests["source"]:
            state = {"tried": {}}
        if state.get("tests") != digests["tests"]:
            tried = state["tried"].items()
            state["tried"] = {key: how if how == NOTICED else AGAIN for key, how in tried}
        return state | digests

    def _test_sources(self) -> list[str]:
        names = sorted(name.partition("::")[0] for name in self.files)
        return [
            str(self.seconds),
            *self.files,
            *(ROOT.joinpath(name).read_text("utf-8") for name in names),
        ]

    def is_equivalent(self, mutant: Mutant) -> bool:
        return not self.equivalent.keys().isdisjoint(mutant.changes)

    def stale(self) -> set[tuple[str, str]]:
        """Listed as equivalent, and not among the mutants any more."""
        return set(self.equivalent) - {change for one in self.mutants for change in one.changes}

    def run(self, share: float) -> None:
        waiting = [
            mutant
            for mutant in self.mutants
            if self.state["tried"].get(mutant.key, AGAIN) == AGAIN
            and not self.is_equivalent(mutant)
            and int(digest(mutant.key), 16) % 1000 < 1000 * share
        ]
        if not waiting:
            return
        for name in self.preload:
            importlib.import_module(name)
        if self.dotted in sys.modules:  # and captured by what uses it
            sys.exit(f"What is preloaded for {self.name} brings it along: {self.preload}.")
        gc.freeze()
        reached, seconds = self._watched()
        limit = 60 + 10 * min(self.seconds, sum(seconds.values()))
        for number, mutant in enumerate(waiting, start=1):
            self.state["tried"][mutant.key] = how = self._try(mutant, reached, seconds, limit)
            if how != NOTICED or number % 20 == 0 or number == len(waiting):
                self.kept.write_text(json.dumps(self.state, indent=0, ensure_ascii=False))
                print(f"{self.name} · {number} of {len(waiting)}", flush=True)
            if how != NOTICED:
                place, before, after = mutant.key.split("\n")
                print(f"  {how} in {place}\n  - {before}\n  + {after}", flush=True)

    def _watched(self) -> tuple[dict[str, set[int]], dict[str, float]]:
        """The lines that each test runs, and its seconds, quickest first."""
        note = WORK / "watched.json"

        def act() -> int:
            watch = Watch(self.path)
            with watch.into(watch.shared):  # what runs when the module is imported
                code = run_tests(self.files, "--maxfail=20", watch)
            lines = {id: sorted(run | watch.shared) for id, run in watch.lines.items()}
            note.write_text(json.dumps([lines, watch.seconds, watch.failed]))
            return code

        code = in_a_child(act, 900)
        lines, seconds, failed = json.loads(note.read_text())
        for id in failed:
            print(f"{self.name} · fails without a mutant, and so is not used: {id}")
        if code not in (0, 1) or len(failed) == 20:
            sys.exit(f"The tests of {self.name} end with {code} without a mutant: see output.txt.")
        seconds = dict(sorted(((id, seconds[id]) for id in lines), key=lambda one: one[1]))
        return {id: set(run) for id, run in lines.items()}, seconds

    def _try(self, mutant: Mutant, reached: dict, seconds: dict, limit: float) -> str:
        if mutant.lines is None:
            order = list(seconds)
        else:
            order = [id for id in seconds if reached[id] & set(mutant.lines)]
        spent = itertools.accumulate(seconds[id] for id in order)
        order = [id for id, sum in zip(order, spent, strict=True) if sum <= self.seconds]
        if not order:
            return UNREACHED
        files = dict.fromkeys(id.partition("::")[0] for id in order)

        def act() -> int:
            sys.meta_path.insert(0, Finder(self.dotted, self.path, mutant.source))
            return run_tests(files, "-x", Chosen(order))

        return SURVIVED if in_a_child(act, limit) == 0 else NOTICED

    def row(self) -> dict[str, object]:
        counted = [mutant for mutant in self.mutants if not self.is_equivalent(mutant)]
        tried = [mutant for mutant in counted if mutant.key in self.state["tried"]]
        noticed = sum(self.state["tried"][mutant.key] == NOTICED for mutant in tried)
        return {
            "module": self.name,
            "mutants": len(self.mutants),
            "equivalent": len(self.mutants) - len(counted),
            "tried": len(tried),
            "noticed": noticed,
            "share": noticed / len(tried) if tried else float("nan"),
        }


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def report(modules: list[Module]) -> str:
    """A table, and every survivor with the line before and after."""
    rows = [module.row() for module in modules]
    text = ["| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    for row in rows:
        cells = (f"{100 * v:.1f} %" if isinstance(v, float) else str(v) for v in row.values())
        text.append("| " + " | ".join(cells) + " |")
    for module in modules:
        for mutant in module.mutants:
            how = module.state["tried"].get(mutant.key, NOTICED)
            if how != NOTICED and not module.is_equivalent(mutant):
                place, before, after = mutant.key.split("\n")
                text += ["", f"{how}: {module.name} · {place}", f"- {before}", f"+ {after}"]
        for before, after in module.stale():
            text += ["", f"no mutant any more: {module.name}", f"- {before}", f"+ {after}"]
    return "\n".join(text) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="parts of modules' names; without any, all modules")
    parser.add_argument("--share", type=float, default=1.0, help="a fixed part of the mutants")
    parser.add_argument("--report", action="store_true", help="of what has been tried, no more")
    chosen = parser.parse_args()
    WORK.mkdir(parents=True)
    atexit.register(shutil.rmtree, WORK, ignore_errors=True)
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "FMNIST_PROFILE": "smoke"}
    os.environ |= {"MPLBACKEND": "agg", "TF_NUM_INTRAOP_THREADS": "1"}
    listed = tomllib.loads((HERE / "modules.toml").read_text("utf-8"))["module"]
    modules = [
        Module(facts)
        for facts in listed
        if not chosen.only or any(part in facts["name"] for part in chosen.only)
    ]
    if not chosen.report:
        from fmnist_utils.data import standin  # below all that is mutated

        drawn = standin.draw()
        standin.draw = lambda: drawn  # once, for all
    for module in modules:
        if not chosen.report and (code := in_a_child_of_its_own(module, chosen.share)):
            return code
    for module in modules:
        module.state = module.known()
    (KEPT / "report.md").write_text(text := report(modules), "utf-8")
    print(text.partition("\n\n")[0])
    good = all(not row["tried"] or row["share"] >= WANTED for row in (m.row() for m in modules))
    return 0 if good and not any(module.stale() for module in modules) else 1


def in_a_child_of_its_own(module: Module, share: float) -> int:
    """What one module's tests load stays out of the next one's."""
    child = os.fork()
    if not child:
        code = 1
        try:
            module.run(share)
            code = 0
        except SystemExit as end:
            print(end)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
