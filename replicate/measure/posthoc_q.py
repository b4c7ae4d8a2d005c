"""Stage measure, posthoc_q: a lower bound of what a finished generator's images tell of its codes, alike for each variant.

python -m replicate.measure.posthoc_q VARIANT SEED
"""

from replicate.base import files, machine, stage
from replicate.gan import run
from replicate.measures import posthoc_q


def main() -> None:
    this, params = run.from_command_line(__doc__)
    device = machine.prepare(params.machine.device)
    networks = this.load().to(device)
    metrics = posthoc_q.measure(networks, this.settings.latent, params.posthoc_q, device, f"post-hoc Q {this.name}")
    files.write_json(this.folder / "posthoc_q.json", metrics)


if __name__ == "__main__":
    stage.run(main)
