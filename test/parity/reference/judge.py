"""Whether two chains that took different turns stood before a tie."""

from collections.abc import Callable


def chain_margin(
    similarity: Callable[[str], float], ours: str, theirs: str, start: str, steps: list[str], phrases: list[str]
) -> float:
    """The difference of the reference's own similarities between what it chose and what we chose.

    steps: the reference's winners, each a whole prompt. Walks along them while ours went the same way, then
    compares the two continuations. Where one of the two stopped, going on is compared with stopping. Where ours took
    every one of them, the two differ in what they picked in the end, and that is compared.
    """
    common = start
    for winner in steps:
        if _continues(ours, winner):
            common = winner
            continue
        mine = _next_prompt(ours, common, phrases)
        return abs(similarity(winner) - similarity(mine or common))
    mine = _next_prompt(ours, common, phrases)
    return abs(similarity(mine or ours) - similarity(common if mine else theirs))


def _continues(prompt: str, beginning: str) -> bool:
    return prompt == beginning or prompt.startswith(beginning + ", ")


def _next_prompt(prompt: str, common: str, phrases: list[str]) -> str | None:
    """common and the longest phrase with which prompt goes on, or None where it does not."""
    joined = [f"{common}, {phrase}" if common else phrase for phrase in phrases]
    fitting = [candidate for candidate in joined if _continues(prompt, candidate)]
    return max(fitting, key=len, default=None)
