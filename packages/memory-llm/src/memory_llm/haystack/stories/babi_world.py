"""The small world of bAbI: four people who walk between places, and take and put down three things."""

from collections.abc import Sequence

ACTORS = ("John", "Mary", "Sandra", "Daniel")
OBJECTS = ("apple", "football", "milk")
LOCATIONS = ("bedroom", "kitchen", "garden", "hallway", "bathroom", "office")
_START = {
    "John": "kitchen", "Mary": "bedroom", "Sandra": "garden", "Daniel": "hallway",
    "apple": "kitchen", "milk": "kitchen", "football": "garden",
}  # fmt: skip


class World:
    """Who and what is where.

    Args:
        locations: Names of the places, one word each; the first stands for the bedroom, the second for the kitchen, and
            so on, where people and things are at the beginning.

    Attributes:
        locations: Names of the places.
        places: Of every actor, and of every object that nobody holds.
        holders: Of every object that somebody holds.

    Raises:
        ValueError: If there are fewer than two places, or a name is not one word or comes twice.

    Source: ``world_basic`` of bAbI-tasks (Weston et al. 2015).
    """

    def __init__(self, locations: Sequence[str] = LOCATIONS) -> None:
        if len(set(locations)) != len(locations) or len(locations) < 2:
            raise ValueError(f"`locations` must be two different names or more, got {', '.join(locations) or 'none'}.")
        unfit = [name for name in locations if len(name.split()) != 1]
        if unfit:
            raise ValueError(f"`locations` must be single words, got {unfit[0]!r}; join its parts by a hyphen.")
        self.locations = tuple(locations)
        self.places = {name: locations[LOCATIONS.index(place) % len(locations)] for name, place in _START.items()}
        self.holders: dict[str, str] = {}

    def can_get(self, actor: str, thing: str) -> bool:
        """Whether the thing lies where the actor is."""
        return thing not in self.holders and self.places[thing] == self.places[actor]

    def can_drop(self, actor: str, thing: str) -> bool:
        """Whether the actor holds the thing."""
        return self.holders.get(thing) == actor

    def move(self, actor: str, location: str) -> None:
        """The actor goes to a location, with all that he or she holds."""
        self.places[actor] = location

    def get(self, actor: str, thing: str) -> None:
        """The actor takes the thing."""
        del self.places[thing]
        self.holders[thing] = actor

    def drop(self, actor: str, thing: str) -> None:
        """The actor puts the thing down."""
        del self.holders[thing]
        self.places[thing] = self.places[actor]
