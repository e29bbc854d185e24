"""`python -m sample_train [STAGE …]`: the whole recipe, or single stages of it, in this order."""

import argparse

import torch

from .download import download
from .icon_sets import TRAINING_SETS

STAGES = ("download", "clip", "caption", "evaluate", "vocabulary", "pictures", "export")


def main() -> None:
    parser = argparse.ArgumentParser(prog="sample_train", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"any of {', '.join(STAGES)}; all by default")
    parser.add_argument("--clip-steps", type=int, default=6000)
    parser.add_argument("--clip-minutes", type=float, help="CPU time to stop after, if sooner")
    parser.add_argument("--caption-steps", type=int, default=6000)
    parser.add_argument("--caption-minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    stages = options.stages or STAGES
    unknown = set(stages) - set(STAGES)
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    torch.set_num_threads(options.threads)
    if "download" in stages:
        download()
    for stage in STAGES[1:]:
        if stage in stages:
            run_stage(stage, options)


def run_stage(stage: str, options: argparse.Namespace) -> None:
    """One stage after the download. Imports wait until here, since rendering needs what `download` brings."""
    from .icon_names import known_names
    from .render import load_sprites
    from .training import Schedule

    sprites = load_sprites()
    training = [sprites[icons.package] for icons in TRAINING_SETS]
    names = known_names(training)
    if stage == "clip":
        from .train_clip import train_clip

        train_clip(training, names, Schedule(options.clip_steps, options.clip_minutes), options.seed)
    elif stage == "caption":
        from .train_caption import train_caption

        train_caption(training, Schedule(options.caption_steps, options.caption_minutes), options.seed)
    elif stage == "evaluate":
        from .evaluate import evaluate

        evaluate(sprites)
    elif stage == "vocabulary":
        from .vocabulary import write_vocabulary

        write_vocabulary(names)
    elif stage == "pictures":
        from .pictures import write_pictures

        write_pictures()
    elif stage == "export":
        from .export import export

        export(training)


if __name__ == "__main__":
    main()
