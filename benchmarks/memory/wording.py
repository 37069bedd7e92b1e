"""Texts of words that are as frequent as in a language (Zipf, Mandelbrot), for haystacks of any size; seeded."""

import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

# English, the most frequent first
FREQUENT = """
the of and to a in is that it was i for on you he be with as by at have are this not but had his they from she which or
we an there were one do been all their has would will what if can when so no said who more about up them some could him
into its then two out time like my than other only over also new me after most did many people our down back just see
know because good way year where day get make much before own work through too still take any want first well even your
here give last long come think go little those how between never life again look say world house home while great old
three man big same thing put end might place another week use small right left part tell help child every next hand
school room side night ask need water found best case point company number group problem story month lot study book eye
job word money business issue kind head far black white keep late hard start run turn play move live believe bring
happen write sit stand lose pay meet include continue set learn change lead understand watch follow stop create speak
read spend grow open walk win teach offer remember consider appear buy wait serve die send build stay fall cut reach
kill raise pass sell decide return explain hope develop carry break receive agree support hit produce eat cover catch
draw choose city food idea body family friend father mother power hour game line member law car party result morning
reason research girl guy moment air teacher force order door art war history street table health voice music color
heart event plan price garden summer winter letter answer question paper office market weather travel train phone
""".split()
# Words that people's questions turn on: neither frequent nor unheard of.
OCCASIONAL = """
sister brother uncle aunt cousin neighbour grandmother grandfather nephew niece landlord colleague dentist doctor
plumber lawyer tailor barber baker gardener violin guitar piano cello flute trumpet bicycle scooter kayak canoe tent
rucksack telescope camera tripod lamp sofa wardrobe mirror kettle toaster blender oven fridge freezer carpet curtain
cellar attic garage shed balcony terrace greenhouse boathouse workshop library locker gate barn chapel studio code
password combination key receipt invoice contract passport licence ticket insurance warranty certificate birthday
anniversary wedding concert exhibition marathon conference festival allergic allergy cinnamon pepper walnut almond
hazelnut sesame celery mustard salmon lobster peanut strawberry drawer cupboard basket suitcase envelope shelf jar
tin pocket folder soup stew curry cake bread pancake risotto omelette salad pudding gram litre flour sugar butter
rice lentil paint plaster varnish mortar gravel cement tile wood engine pump boiler chimney gutter fence pond hedge
dog cat horse parrot rabbit tortoise hamster goat donkey bee vet stable saddle harness leash euro dollar rent deposit
accordion pony regatta auction reunion allergies serial ingredient recipe cook hook wall floor gift present
loan salary fee tax fine bill kilometre mile degree percent minute size height width weight speed depth platform
ferry tram taxi flight hotel hostel campsite museum gallery theatre cinema pharmacy bakery butcher florist
""".split()
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_CODAS = ("", "n", "r", "s", "l", "t", "m", "x")
RARE = 20_000
SPREAD = 15
"""So many others stand among the occasional words for each of them: `rabbit` is about the 5,000th word of English."""

SENTENCE = (6, 18)
TOPICS = 60
"""People talk of something for a while: so many words come again and again …"""
TOPICAL = 0.15
"""… as this share of all …"""
TEXTS_ABOUT_IT = 40
"""… in so many texts."""


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word once, the most frequent first. Rare ones are made up."""
    chance = random.Random("vocabulary")
    rare: dict[str, None] = {}
    while len(rare) < RARE:
        rare["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) + chance.choice(_CODAS)] = None
    there = {*FREQUENT, *OCCASIONAL}
    made_up = [word for word in rare if word not in there]
    occasional = list(dict.fromkeys(OCCASIONAL))
    chance.shuffle(occasional)
    middle = occasional + made_up[: SPREAD * len(occasional)]
    chance.shuffle(middle)
    return (*dict.fromkeys(FREQUENT), *middle, *made_up[SPREAD * len(occasional) :])


@cache
def _weights() -> Sequence[float]:
    return list(accumulate(1 / (rank + 2.7) for rank in range(len(vocabulary()))))


class Wording:
    """Sentences by the laws of frequency, about something for a while; the same seed says the same."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)
        self._topics: list[str] = []
        self._texts = 0

    def _words(self, count: int) -> list[str]:
        topical = round(count * TOPICAL)
        said = self.chance.choices(vocabulary(), cum_weights=_weights(), k=count - topical)
        said += self.chance.choices(self._topics, k=topical)
        self.chance.shuffle(said)
        return said

    def text(self, count: int) -> str:
        """About so many words in sentences; a paragraph now and then."""
        if self._texts % TEXTS_ABOUT_IT == 0:
            self._topics = self.chance.sample(vocabulary()[len(FREQUENT) :], TOPICS)
        self._texts += 1
        return "".join(self._pieces(self._words(count))).strip()

    def _pieces(self, said: list[str]) -> Iterator[str]:
        start = 0
        while start < len(said):
            stop = start + self.chance.randint(*SENTENCE)
            yield " ".join(said[start:stop]).capitalize() + (".\n\n" if stop % 11 == 0 else ". ")
            start = stop

    def question(self, text: str) -> str:
        """What somebody might ask who remembers a few words of a text, mostly such as say something."""
        there = dict.fromkeys(word.strip(".").lower() for word in text.split())
        remembered = [word for word in there if word not in FREQUENT[:120]] or list(there)
        some = self.chance.sample(remembered, min(len(remembered), self.chance.randint(2, 4)))
        return self.chance.choice(_FRAMES).format(" and the ".join(some))


_FRAMES = (
    "What did I say about the {}?",
    "When did we talk about the {}?",
    "Can you remind me how it was with the {} last year?",
    "Do you remember which one it was, the {}?",
    "I want to come back to the {}. What was the problem again?",
    "Who told me about the {}, and what did they want to do?",
)
