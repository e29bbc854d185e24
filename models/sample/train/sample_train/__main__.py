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
from .icons.sets import MEDIUM_STYLES

STAGES = ("image", "text", "tune", "caption", "vocabulary", "demo", "export", "evaluate")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="sample_train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"any of {', '.join(STAGES)}; all by default")
    parser.add_argument(
        "--set", action="append", dest="sets", metavar="NAME", help="evaluate: an @iconify-json package, without its scope"
    )
    parser.add_argument("--medium", choices=sorted(MEDIUM_STYLES), help="evaluate: what the drawings of unknown sets are")
    parser.add_argument("--image-steps", type=int, default=7600)
    parser.add_argument("--text-steps", type=int, default=2300)
    parser.add_argument("--tune-steps", type=int, default=4100)
    parser.add_argument("--caption-steps", type=int, default=11500)
    parser.add_argument("--minutes", type=float, help="no stage of training longer than this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, help="CPU threads of the training; all cores by default")
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
        for stage in STAGES:
            if stage in stages:
                run_stage(stage, options)
    except RecipeError as error:
        raise SystemExit(f"error: {error}") from None


def run_stage(stage: str, options: argparse.Namespace) -> None:
    """One stage. Imports wait until here: they need the environment, and not every stage all of it."""
    if stage == "evaluate":
        from .evaluation.evaluate import evaluate, write_evaluation

        if options.sets:
            evaluate(options.sets, options.medium)
        else:
            write_evaluation()
        return
    import torch

    from .stock import Stock
    from .training import Schedule

    if options.threads:
        torch.set_num_threads(options.threads)
    stock = Stock(options.seed, options.device)
    if stage == "image":
        from .clip.train_image import train_image

        train_image(stock, Schedule(options.image_steps, options.minutes))
    elif stage == "text":
        from .clip.train_text import train_text

        train_text(stock, Schedule(options.text_steps, options.minutes))
    elif stage == "tune":
        from .clip.train_image import tune_image

        tune_image(stock, Schedule(options.tune_steps, options.minutes))
    elif stage == "caption":
        from .caption.train import train_caption

        train_caption(stock, Schedule(options.caption_steps, options.minutes))
    elif stage == "vocabulary":
        from .vocabulary import write_vocabulary

        write_vocabulary(stock.names)
    elif stage == "demo":
        from .drawing.images import write_demo_images

        write_demo_images()
    elif stage == "export":
        from .export import export

        export(stock)


if __name__ == "__main__":
    main()
