"""Something to look at in a new installation: results of the embedded engines, two people, and what they collected.

The same number always asks for the same: what is there already is not made again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from generation import catalogue, intake, search, variants
from generation.errors import EngineNotReady, ProviderError
from generation.models import Generation, State
from generation.providers import registry
from generation.requests import ChatRequest, ImageRequest, Request, SpeechRequest
from generation.search import likeness
from pollweb.accounts.identity import Principal
from pollweb.accounts.models import User
from pollweb.gallery import keeping
from pollweb.gallery.models import Collection, Profile

MOST = 5_000
# What they are called as accounts; nobody can sign in as them, since they have neither password nor address.
PEOPLE = {"demo-alice": "Alice", "demo-bob": "Bob"}
KINDS = "iiitiiaiitiiiaiiitii"  # in turn: pictures, texts, speech

SUBJECTS = (
    ("a red fox", "一只红狐狸"), ("three sailing boats", "三只帆船"), ("a lighthouse", "一座灯塔"),
    ("a grey cat", "一只灰猫"), ("two polar bears", "两只北极熊"), ("an old tree", "一棵老树"),
    ("a white rabbit", "一只白兔"), ("a castle", "一座城堡"), ("five balloons", "五个气球"),
    ("a whale", "一头鲸鱼"), ("a blue bird", "一只蓝色的鸟"), ("a panda", "一只熊猫"),
    ("a train", "一列火车"), ("a bridge", "一座桥"), ("two horses", "两匹马"), ("a rocket", "一枚火箭"),
    ("a bowl of apples", "一碗苹果"), ("a deer", "一只鹿"), ("a windmill", "一座风车"), ("an owl", "一只猫头鹰"),
)  # fmt: skip
PLACES = (
    ("in the snow", "在雪中"), ("by the sea at sunset", "在日落的海边"), ("under a full moon", "在满月下"),
    ("in a misty forest", "在雾中的森林"), ("in a city at night, rain", "在夜晚的城市里，下着雨"),
    ("in a field of flowers", "在花田里"), ("among mountains at dawn", "在黎明的群山中"),
    ("in the desert", "在沙漠里"), ("on a lake in autumn", "在秋天的湖上"),
)  # fmt: skip
STYLES = (("", ""), (", watercolour", "，水彩"), (", pixel art", "，像素画"), (", oil painting", "，油画"))
QUESTIONS = (
    ("Tell me about {} in two sentences.", "用两句话介绍{}。"),
    ("Write two lines of verse about {}.", "写两行关于{}的诗。"),
    ("Three good names for a story about {}.", "给关于{}的故事起三个好名字。"),
)  # fmt: skip
SPOKEN = (
    ("Good evening. Tonight we saw {} {}.", "晚上好。今晚我们看到了{}，{}。"),
    ("Once upon a time there was {}, {}.", "从前，有{}，{}。"),
)  # fmt: skip
VOICES = ("alloy", "nova", "echo", "shimmer")
SHAPES = ((1024, 1024), (1024, 768), (768, 1024), (1024, 576), (640, 960))

# Titles, whose they are, and the words of a search that fills them.
COLLECTIONS = (
    ("Winter", "Snow, and who lives in it.", "demo-alice", "snow kind:image"),
    ("By the sea", "Boats, lights and whales.", "demo-alice", "sea kind:image"),
    ("夜色", "月光与雨夜。", "demo-bob", "夜晚"),
    ("Small verses", "Two lines each.", "demo-bob", "verse kind:text"),
)
MOST_IN_COLLECTION = 24


def _local(ability: str) -> str:
    """The first model that is made on this machine; empty when there is none."""
    cards = catalogue.cards(ability).values()
    return next((card.name for card in cards if registry.is_local(card.sources[0].provider)), "")


@dataclass(frozen=True, slots=True)
class Wish:
    """The n-th thing of a demonstration."""

    number: int
    request: Request


def wishes(items: int) -> Iterator[Wish]:
    """Pictures, texts and speech in turn, every third in Chinese; pictures where an engine is missing."""
    models = {"i": _local("image"), "t": _local("text"), "a": _local("audio")}
    for n in range(min(items, MOST)):
        kind = KINDS[n % len(KINDS)]
        chinese = int(n % 3 == 2)
        subject = SUBJECTS[(n * 7 + n // len(KINDS)) % len(SUBJECTS)][chinese]
        place = PLACES[(n * 5 + n // len(KINDS)) % len(PLACES)][chinese]
        if kind == "t" and models["t"]:
            words = QUESTIONS[n // 3 % len(QUESTIONS)][chinese].format(subject)
            messages = ({"role": "user", "content": words},)
            yield Wish(n, ChatRequest(model=models["t"], messages=messages, options={"seed": n + 1}))
        elif kind == "a" and models["a"]:
            words = SPOKEN[n // 3 % len(SPOKEN)][chinese].format(subject, place)
            yield Wish(n, SpeechRequest(model=models["a"], text=words, voice=VOICES[n % len(VOICES)]))
        elif models["i"]:
            style = STYLES[n // 3 % len(STYLES)][chinese]
            width, height = SHAPES[n % len(SHAPES)]
            text = f"{subject}{place}{style}" if chinese else f"{subject} {place}{style}"
            yield Wish(n, ImageRequest(model=models["i"], text=text, width=width, height=height, seed=n + 1))


def people() -> list[User]:
    """The two, each with a shown profile."""
    found = []
    for username, name in PEOPLE.items():
        person, is_new = User.objects.get_or_create(username=username, defaults={"first_name": name})
        if is_new:
            person.set_unusable_password()
            person.save(update_fields=["password"])
        Profile.objects.get_or_create(person=person, defaults={"handle": username, "name": name, "is_shown": True})
        found.append(person)
    return found


def make(wish: Wish, makers: list[User]) -> Generation | None:
    """The result of a wish, now or from before. Nobody's, or a person's, in turn. None when an engine cannot."""
    place = wish.number % (len(makers) + 1)
    principal = Principal(key="ip:127.0.0.1", visibility="public")
    if place:
        team = makers[place - 1].personal_team
        principal = Principal(key=f"team:{team.pk}", tier=team.tier, team_id=team.pk, visibility="public")
    try:
        row = intake.make_here(wish.request, intake.Context(principal=principal))
    except (EngineNotReady, ProviderError):
        return None
    if row.state != State.SUCCEEDED:
        return None
    if row.kind == "image" and row.artifact_id:
        variants.make(row.artifact_id)
    return row


def finish(makers: list[User]) -> None:
    """Read what was made for the search, and put some of it together."""
    search.fill(MOST)
    while likeness.read():
        pass
    owners = {person.username: person for person in makers}
    for title, note, owner, words in COLLECTIONS:
        person = owners[owner]
        collection = Collection.objects.filter(person=person, title=title).first()
        collection = collection or keeping.new(person, title, note, "public")
        found = search.find(search.parse(words), limit=MOST_IN_COLLECTION).rows
        for row in reversed(found):
            keeping.add(collection, row)
        for row in found[:3]:
            keeping.add(keeping.saves(person), row)
