"""The sample model's recipe.

    python3 -m sample_train                                everything, in the order of the stages
    python3 -m sample_train image caption                  single stages
    python3 -m sample_train evaluate --set twemoji         measures the exported pair on any iconify emoji set

Stages: image, text, tune (CLIP's towers), caption (BLIP), vocabulary, demo (its images), export, evaluate. Training that was
broken off goes on from its last checkpoint.
"""

import argparse

from .environment import enter_environment
from .errors import RecipeError

# Of the stages that train.
STEPS = {"image": 7600, "text": 2300, "tune": 4100, "caption": 11500}
STAGES = (*STEPS, "vocabulary", "demo", "export", "evaluate")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="sample_train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"any of {', '.join(STAGES)}; all by default")
    parser.add_argument(
        "--set", action="append", dest="sets", metavar="NAME", help="evaluate: an @iconify-json package, without its scope"
    )
    for stage, steps in STEPS.items():
        parser.add_argument(f"--{stage}-steps", type=int, default=steps)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda where there is a GPU")
    options = parser.parse_args()
    stages = options.stages or STAGES
    unknown = set(stages) - set(STAGES)
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    if options.sets and list(stages) != ["evaluate"]:
        parser.error("--set goes with the stage evaluate alone")
    try:
        enter_environment()
        run_stages(stages, options)
    except RecipeError as error:
        raise SystemExit(f"error: {error}") from None


def run_stages(stages: list[str], options: argparse.Namespace) -> None:
    """Imports wait until here: they need the environment."""
    from .caption.train import train_caption
    from .clip.train_image import train_image, tune_image
    from .clip.train_text import train_text
    from .drawing.images import write_demo_images
    from .evaluation.evaluate import evaluate
    from .export import export
    from .stock import Stock
    from .vocabulary import write_vocabulary

    stock = Stock(options.seed, options.device)
    work = {
        "image": lambda: train_image(stock, options.image_steps),
        "text": lambda: train_text(stock, options.text_steps),
        "tune": lambda: tune_image(stock, options.tune_steps),
        "caption": lambda: train_caption(stock, options.caption_steps),
        "vocabulary": lambda: write_vocabulary(stock.names),
        "demo": write_demo_images,
        "export": lambda: export(stock),
        "evaluate": lambda: evaluate(options.sets),
    }
    for stage in STAGES:
        if stage in stages:
            work[stage]()


if __name__ == "__main__":
    main()
