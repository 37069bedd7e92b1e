"""What a scripted user says: statements about themselves, no two alike, so that what becomes of each can be told."""

import random

PEOPLE = "sister brother uncle aunt cousin neighbour colleague landlord teacher dentist".split()
THINGS = "violins bicycles kayaks telescopes accordions parrots tents cameras lanterns rucksacks".split()
SYLLABLES = "ba ke lo mi nu pra sto ve zu dal fen gor hul jin kor lem".split()
REMARKS = (
    "We talked about it for a long while, and in the end nothing was decided that could not wait until spring.",
    "The weather was fine and the market was full, so we walked all the way back along the river.",
    "There was a letter about the house too, but it can lie on the table until somebody has time for it.",
)
ANSWERS = ("I see.", "Thank you for telling me. What happened then?", "That sounds like a lot of work. " * 12)


class Sayings:
    """The same seed says the same."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._said = 0

    def name(self) -> str:
        """A name that nobody else has."""
        self._said += 1
        return f"{''.join(self._chance.choices(SYLLABLES, k=3)).title()}{self._said}"

    def statement(self) -> str:
        """Something that a summariser takes for a fact."""
        person, thing, name = self._chance.choice(PEOPLE), self._chance.choice(THINGS), self.name()
        return f"My {person} {name} has {self._chance.randint(2, 99)} {thing} in {self.name()}."

    def turn(self) -> tuple[str, str]:
        """What the user says, short or long, and what is answered."""
        remarks = self._chance.choices(REMARKS, k=self._chance.choice((0, 1, 3)))
        return " ".join([self.statement(), *remarks]), self._chance.choice(ANSWERS)
