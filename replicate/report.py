"""Stage report: REPORT.md, the texts in docs/ and the marked block of README.md, from the templates in replicate/reporting.

    python -m replicate.report

The texts are written by hand, with numbers of the studies by name (`reporting.numbers`). Where a sentence says more than
its number, a `require` beside it ends the stage with the template's line as soon as the studies say something else. The
pipeline's own runs have a page of their own, docs/pipeline.md, and turn no sentence.
"""

import traceback
from pathlib import Path
from typing import Any

import jinja2

from replicate import parameters
from replicate.analysis import claims, statistics, table
from replicate.base import files, stage
from replicate.base.stage import BadInput
from replicate.gan import run
from replicate.reporting.numbers import require, write
from replicate.reporting.tables import Tables

TEMPLATES = Path(__file__).parent / "reporting"
TEXTS = {
    "REPORT.md.j2": "REPORT.md",
    "appendix.md.j2": "docs/appendix.md",
    "methods.md.j2": "docs/methods.md",
    "pipeline.md.j2": "docs/pipeline.md",
}
MARKERS = "<!-- results -->", "<!-- /results -->"  # what stands between them in README.md is written here


def context() -> dict[str, Any]:
    """All that templates can name."""
    params, metrics = parameters.load(), table.metrics()
    asked, studies = claims.load(params.variants, metrics), table.of_studies(list(params.variants))
    beside = {name: files.read_json(table.BESIDE / f"{name}.json") for name in ("cost", "baselines", "classifier")}
    assessments = claims.assess_all(asked, studies, {"cost_ratio": beside["cost"]["ratio"]})
    runs = run.of_pipeline(params)
    found = {name: variant.found for name, variant in params.variants.items()}
    ablations, own = claims.ablations(asked.ablations, studies, found), table.read([this.folder for this in runs])
    texts = Tables(studies, params.variants, metrics, asked, assessments, ablations, own, runs)
    maximising = [this for this in runs if this.settings.objective != "gan"]
    named = {name: getattr(texts, name) for name in dir(texts) if not name.startswith("_")}
    return named | {
        "require": require,
        "label": lambda variant: params.variants[variant].label,
        "maximising": dict.fromkeys(this.variant for this in maximising),
        "matched": any(None not in own.values(this.variant, "error") for this in maximising),
        "beside": beside,
        "here": {name: files.read_json(Path("metrics", f"{name}.json")) for name in beside},
        "settings": params.settings,
        "welch": statistics.welch,
        "write": write,
    }


def render(template: str, context: dict[str, Any]) -> str:
    """A template, filled in. Raises BadInput, naming its line, where it is not as jinja2 expects, or where the results no
    longer say what it says."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        return environment.get_template(template).render(context)
    except (jinja2.TemplateError, LookupError, TypeError) as error:  # an unknown metric; a number that is None
        frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.endswith(".j2")]
        raise BadInput(f"{template}:{frames[-1].lineno}: {type(error).__name__}: {error}") from error


def between_markers(text: str, content: str) -> str:
    """`text` with `content` between MARKERS. Raises BadInput where they are not there once, in this order."""
    first, last = MARKERS
    if [text.count(marker) for marker in MARKERS] != [1, 1] or text.index(first) > text.index(last):
        raise BadInput(f"README.md: expected {first} and {last} in it, once each and in this order")
    return f"{text[: text.index(first)]}{first}\n{content}{text[text.index(last) :]}"


def main() -> None:
    named, readme = context(), Path("README.md")
    texts = {Path(path): render(template, named) for template, path in TEXTS.items()}
    texts[readme] = between_markers(readme.read_text(encoding="utf-8"), render("readme.md.j2", named))
    for path, text in texts.items():
        with files.whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
