"""A partner of one's own that only plays, and the check that finds those that do not keep the rules."""

from typing import ClassVar

import numpy as np
import pytest

from agent_tom import BlackBoxPartner, check_partner, make_agent, make_game, play

RPS = make_game("rps")


class Copies(BlackBoxPartner):
    """Plays the focal player's last action in nine of ten rounds."""

    name: ClassVar[str] = "copies"

    def begin(self, game, horizon, numbers):
        self._count = game.num_partner_actions
        self._dists = np.full((len(numbers), self._count), 1 / self._count)

    def act(self, draws):
        return self._dists

    def observe(self, actions, own):
        self._dists = np.eye(self._count)[actions % self._count] * 0.9 + 0.1 / self._count


class Draws(Copies):
    """The same with lots of its own."""

    num_draws = 2

    def act(self, draws):
        assert draws.shape == (len(self._dists), 2)
        return np.eye(self._count)[(draws.prod(-1) * self._count).astype(int)]


class Remembers(Copies):
    """Does not forget an earlier game."""

    games = 0

    def begin(self, game, horizon, numbers):
        super().begin(game, horizon, numbers)
        self.games += 1
        self._dists = np.eye(self._count)[[self.games % self._count] * len(numbers)]


class Crowded(Copies):
    """Minds how many episodes there are."""

    def begin(self, game, horizon, numbers):
        super().begin(game, horizon, numbers)
        self._dists = np.eye(self._count)[[len(numbers) % self._count] * len(numbers)]


class Doubtful(Copies):
    def act(self, draws):
        return self._dists * 0.9


class Narrow(Copies):
    def act(self, draws):
        return self._dists[:, :1]


@pytest.mark.parametrize("partner", [Copies(), Draws()], ids=lambda partner: type(partner).__name__)
def test_a_partner_that_keeps_the_rules_passes(partner):
    check_partner(partner)


@pytest.mark.parametrize(
    ("partner", "message"),
    [
        (Remembers(), "plays rps otherwise when the same episodes are played again; forget everything in `begin`"),
        (Crowded(), "plays rps otherwise when other episodes are played beside; let a row of `act` depend"),
        (Doubtful(), r"gives no distributions in round 1 of rps; let `act` return probabilities of shape \(4, 3\)"),
        (Narrow(), "gives no distributions in round 1 of rps"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_one_that_does_not_is_found(partner, message):
    with pytest.raises(ValueError, match=f"partner 'copies' {message}"):
        check_partner(partner)


@pytest.mark.parametrize("kind", [Copies, Draws])
def test_an_episode_depends_on_its_number_alone(kind):
    many = play(RPS, kind(), make_agent("exp3"), horizon=20, episodes=6, seed=3)
    few = play(RPS, kind(), make_agent("exp3"), horizon=20, episodes=[5, 2], seed=3)
    for field in ("states", "actions", "partner_actions", "payoffs", "action_dists"):
        assert np.array_equal(getattr(few, field), getattr(many, field)[[5, 2]])


def test_its_moves_are_drawn_from_what_it_says():
    episodes = play(RPS, Copies(), make_agent("uniform"), episodes=100)
    copied = (episodes.partner_actions[:, 1:] == episodes.actions[:, :-1]).mean()
    assert copied == pytest.approx(0.9 + 0.1 / 3, abs=0.011)  # 9900 rounds, of which 4 standard errors are below 0.011
    other = play(RPS, Copies(), make_agent("uniform"), episodes=100, seed=1)
    assert not np.array_equal(episodes.partner_actions, other.partner_actions)


def test_the_larger_groups_are_made_smaller():
    partner = Copies()
    partner.most_episodes = 2
    whole, grouped = (play(RPS, each, make_agent("rmax"), horizon=10, episodes=5) for each in (Copies(), partner))
    for name, column in vars(whole).items():
        found = getattr(grouped, name)
        assert found is None if column is None else np.array_equal(found, column)
