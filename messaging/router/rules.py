"""What a person who knows the shop's business would say about an utterance's classes of words.

Owns the table: each line names an intent, its points, what must be met (``a/b`` is one of them)
and, behind ``!``, what must not. Points of all lines that hold are added to what the trained
weights say, so a subject the corpus never saw is still placed. Knows no word, only classes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

_TABLE = """
fallback.off_topic 3 world ! order cart survey goods ticket
fallback.off_topic 1.5 world goods ! order cart buy survey ticket price deliver
fallback.off_topic 4 heart ! order cart buy survey ticket refund late
fallback.off_topic 3.5 attack ! damaged late refund
fallback.off_topic 2.5 insult ! order goods refund late damaged charge ticket
fallback.off_topic 2.5 spam ! order survey refund late damaged stop
survey.join 2.5 survey
survey.reward 3 survey earn/price/when/late/got/where/charge/refund ! want code
survey.join 2 survey code
survey.join 1 earn ! order refund charge
info.opt_out 3 stop ! order survey cancel_order
info.greeting 3 greet ! goods order price have want hours place survey bye human deliver thanks
info.greeting 0.5 greet
info.greeting 2.5 info ! goods order price hours place survey deliver method refund return pay about
info.thanks 2.5 finish day/neg/thanks/bye ! pay order cart buy
info.thanks 3 thanks/bye ! goods order price have want hours place survey human problem self
info.about_bot 3 bot ! human goods attack
info.about_bot 2.5 self ! have goods order survey refund problem world catalog pay buy price
info.hours 2.5 hours ! late wait angry broken survey order tech damaged food_bad pay
info.hours 1.5 hours day ! late wait angry order tech damaged
info.hours 1 day question ! goods order late got deliver pay refund buy want wait world heart
info.place 2.5 place ! order address late got survey broken return refund cart
info.place 2.5 where store ! order refund pay late got
info.place 1.5 where ! order refund pay late got link track survey cart ticket
info.place 3 where goods ! order link got mine track
info.place 2 have place ! order late got
info.policies 2 deliver ! order mine late got wrong charge track address cart refund order_code
    cancel
info.policies 1 deliver price/have/question/when ! order mine late got wrong charge track refund
    cart
info.policies 3 accept method ! late refund
info.policies 2 method ! charge broken refund problem paid buy got wrong
info.policies 3 cancel question ! mine order_code want no_want
info.policies 1.5 deliver have ! order mine got late
info.policies 3 policy ! world wrong
info.policies 2 warranty ! want buy got broken damaged tech
info.policies 3 privacy
info.policies 2 return question ! want mine got order no_buy order_code no_want damaged progress
info.faq 2.5 invoice ! got late order
info.faq 2.5 about ! order got problem return refund damaged want have
info.faq 1.5 about have/goods/buy ! order got return damaged want
commerce.add_to_cart 2 want about ! return got order human
info.faq 1 question goods ! price have want buy order got broken damaged late wrong missing
    search works
info.hand_off 3 human talk/want/no_bot ! boss angry legal
info.hand_off 2 human ! boss angry legal order late goods damaged pay address deliver
info.hand_off 2.5 talk want ! boss angry legal goods order
info.hand_off 3 no_bot
support.escalate 3 boss ! mine heart world
support.escalate 3 legal
commerce.browse 2 catalog ! order survey got damaged cart warranty policy refund
commerce.browse 1 catalog have/question/want ! order survey got damaged
commerce.search 2 price goods ! total cart deliver order charge got return refund
commerce.search 1.5 have about
commerce.search 2 have goods ! order survey got missing warranty invoice world problem
commerce.search 2 search ! order survey human refund work
commerce.search 1 price ! deliver total survey order refund return warranty world got late
commerce.search 1 size have/price ! order got wrong
commerce.add_to_cart 2 buy goods/size/number ! order_code return cancel deliver
commerce.add_to_cart 2 add goods/size/number/cart ! remove problem
commerce.add_to_cart 1.5 pick ! change remove no_want return damaged world question refund
commerce.add_to_cart 2 want goods ! return refund cancel human search change got broken catalog
    wrong talk
commerce.add_to_cart 1.5 buy ! return refund cancel got policy broken question pay finish
commerce.add_to_cart 2 want order buy ! cancel change got paid track mine return
commerce.remove_from_cart 2.5 remove cart/goods/size/number ! stop order_code
commerce.remove_from_cart 1 remove ! stop order
commerce.remove_from_cart 2 no_want goods ! return refund
commerce.remove_from_cart 2 no_add
commerce.view_cart 2 cart ! add remove buy want pay
commerce.view_cart 2.5 total ! charge refund
commerce.checkout 2 finish pay/order/buy/cart ! cancel refund got
commerce.checkout 1.5 finish ! cancel thanks bye
commerce.checkout 2 pay want ! order method survey link refund got return broken
commerce.checkout 1 pay ! order method survey link refund got charge broken problem paid late
commerce.pay 4.5 link ! broken problem charge tech spam
commerce.pay 2 order pay where/want/when ! broken problem charge paid method
commerce.track_order 2.5 order track/where/when ! late broken cancel refund damaged wrong
    missing return angry policy pay change
commerce.track_order 2 track ! late ticket refund survey return angry world
commerce.track_order 1 order_code ! cancel change return pay refund
commerce.list_orders 2 again order ! cancel late
commerce.list_orders 1 again
commerce.change_order 2.5 change order/address ! return size goods got late
commerce.change_order 1.5 address wrong/change/order
commerce.change_order 1.5 change order goods ! got return
commerce.cancel_order 3 cancel ! policy refund survey stop
commerce.cancel_order 2 no_want order ! no_buy return
commerce.cancel_order 3 stop order mine
commerce.cancel_order 2 no_order ! stop missing wrong damaged late got
commerce.delivery_choice 2 pickup ! question have place return where order
commerce.delivery_choice 1.5 address number ! wrong change where
support.late 2 track neg ! cancel survey
support.late 2.5 late order/deliver/got/wait ! survey link refund ticket tech
support.late 1.5 late ! survey link refund ticket tech number
support.late 1 wait order ! ticket refund progress hours
support.damaged 2.5 damaged ! return refund link tech survey heart
support.damaged 2.5 broken goods ! tech pay
support.damaged 1 broken ! tech pay
support.damaged 2 stopped works
support.wrong_item 2.5 wrong got ! address pay refund charge
support.wrong_item 1 wrong ! address pay charge spam late
support.wrong_item 2 missing order/goods/got/size ! pay track
support.return 2.5 return want/mine/got/goods/no_buy/order/no_want/change/progress ! refund
    track survey
support.return 1 return
support.return 1.5 change goods/size want ! order buy search have
support.return 2 warranty want/tech/mine
support.refund 3 refund ! survey charge return policy
support.refund 1.5 refund wait/when/progress/late
support.payment_problem 2.5 charge ! survey refund spam
support.payment_problem 2 pay broken/problem/neg/tech ! survey link method
support.payment_problem 2 link problem/broken/tech
support.payment_problem 2 paid order/late/neg ! link track got
support.technical 2.5 tech broken/problem/neg/question ! pay charge survey order link
support.technical 2.5 tech stopped
support.technical 2.5 how works
support.technical 1 tech
support.technical 1.5 works question ! charge price have pay price late order
support.complaint 2.5 angry ! survey ticket track legal boss progress
support.complaint 1.5 neg emoji
support.complaint 2 food_bad goods/got
support.complaint 1.5 food_bad
support.ticket_status 3 ticket ! survey deliver pay
support.ticket_status 2 ticket_code
support.ticket_status 2 progress ! order goods greet world
support.ticket_status 2 angry track/progress
support.ticket_status 1.5 return track
support.report_problem 2 problem ! tech pay charge link works number
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Points for an intent while classes are met and others are not."""

    intent: str
    points: float
    needs: tuple[frozenset[str], ...]
    """Of each set one class must be met."""
    forbids: frozenset[str]

    def holds(self, classes: frozenset[str]) -> bool:
        """Tell whether the classes of an utterance fit."""
        return not (self.forbids & classes) and all(one & classes for one in self.needs)


def _read(line: str) -> Rule:
    head, _, forbids = line.partition("!")
    intent, points, *needs = head.split()
    return Rule(
        intent=intent,
        points=float(points),
        needs=tuple(frozenset(need.split("/")) for need in needs),
        forbids=frozenset(forbids.split()),
    )


RULES: tuple[Rule, ...] = tuple(
    _read(line) for line in _TABLE.strip().replace("\n    ", " ").splitlines()
)


def _index_rules() -> dict[str, tuple[tuple[int, Rule], ...]]:
    """Return the rules a class can lead to, with their places: those that need it first."""
    found: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
    for place, rule in enumerate(RULES):
        for name in rule.needs[0]:
            found[name].append((place, rule))
    return {name: tuple(rules) for name, rules in found.items()}


_RULES_BY_CLASS = _index_rules()


def score_rules(classes: Iterable[str]) -> dict[str, float]:
    """Return the points of every intent some rule speaks for."""
    met = frozenset(classes)
    points: dict[str, float] = {}
    # Of a hundred rules a few words lead to some; in the table's order, each once.
    led_to = {place: rule for name in met for place, rule in _RULES_BY_CLASS.get(name, ())}
    for _, rule in sorted(led_to.items(), key=itemgetter(0)):
        if rule.holds(met):
            points[rule.intent] = points.get(rule.intent, 0.0) + rule.points
    return points
