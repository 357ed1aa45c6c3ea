"""Themes of short answers: the built-in insights agent beside TF-IDF with NMF.

Prints purity and normalised mutual information of the clusters against hand-given codes, the
share of answers with a theme, and the time, for English and Spanish; and checks that every quote
is exact and every count right. Run ``python -m benchmarks.insights_themes`` (``--quick`` for one
repetition). The peer needs scikit-learn: ``pip install -r requirements-bench.txt``.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from agents.interview.insights.builtin import BuiltinInsightsAgent
from agents.interview.insights.cover import find_groups, index_phrases
from agents.interview.insights.documents import EMPTY_WORDS, read_sentences
from agents.interview.language import normalise_language
from agents.interview.stopwords import STOP_WORDS
from agents.interview.types import AnswerSample, Question
from benchmarks.insights_answers import QUESTIONS, CodedAnswer, make_answers

CLUSTERS = 20
NO_THEME = -1
SEEDS = 5
"""Starts of a method with a random one; its figures are medians."""

Method = Callable[[Sequence[CodedAnswer], str], list[int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """How well clusters fit the codes."""

    purity: float
    nmi: float
    covered: float


def measure(assigned: Sequence[int], codes: Sequence[str]) -> Figures:
    """Return purity and NMI (arithmetic mean of the entropies) of a clustering.

    Answers without a theme form one cluster of their own, as in the measurement the design
    quotes: leaving answers out must not make a method look better.
    """
    total = len(codes)
    pairs = Counter(zip(assigned, codes, strict=True))
    by_cluster, by_code = Counter(assigned), Counter(codes)
    largest = dict.fromkeys(by_cluster, 0)
    mutual = 0.0
    for (cluster, code), count in pairs.items():
        largest[cluster] = max(largest[cluster], count)
        mutual += count / total * math.log(count * total / (by_cluster[cluster] * by_code[code]))
    entropies = [
        -sum(n / total * math.log(n / total) for n in counts.values())
        for counts in (by_cluster, by_code)
    ]
    mean = sum(entropies) / 2
    return Figures(
        purity=sum(largest.values()) / total,
        nmi=mutual / mean if mean else 1.0,
        covered=1 - by_cluster[NO_THEME] / total,
    )


def median_figures(found: Sequence[Figures]) -> Figures:
    """Return the median of each figure."""
    return Figures(
        purity=statistics.median(item.purity for item in found),
        nmi=statistics.median(item.nmi for item in found),
        covered=statistics.median(item.covered for item in found),
    )


def make_samples(answers: Sequence[CodedAnswer]) -> list[AnswerSample]:
    """Return one session an answer."""
    return [
        AnswerSample(f"session_{i}", f"turn_{i}", "q1", answer.text)
        for i, answer in enumerate(answers)
    ]


def cluster_builtin(answers: Sequence[CodedAnswer], language: str) -> list[int]:
    """Return the theme each answer falls into, of several the one fewest people have."""
    question = Question("q1", QUESTIONS[language])
    sentences = read_sentences(
        question, make_samples(answers), language=normalise_language(language)
    )
    groups = find_groups(index_phrases(sentences), max_groups=CLUSTERS)
    theme_of: dict[str, int] = {}
    for number in sorted(range(len(groups)), key=lambda n: -len(groups[n].sessions)):
        theme_of.update(dict.fromkeys(groups[number].sessions, number))
    return [theme_of.get(f"session_{i}", NO_THEME) for i in range(len(answers))]


def cluster_nmf(answers: Sequence[CodedAnswer], language: str, seed: int = 0) -> list[int]:
    """Return the strongest NMF topic of each answer, with the same stop words as ours.

    The start of NMF is random, so its figures are medians over several seeds.
    """
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfVectorizer

    stop_words = STOP_WORDS[normalise_language(language)] | EMPTY_WORDS
    vectorizer = TfidfVectorizer(
        stop_words=sorted(word for word in stop_words if "'" not in word),
        ngram_range=(1, 2),
        min_df=2,
        strip_accents="unicode",
    )
    matrix = vectorizer.fit_transform([answer.text for answer in answers])
    weights = NMF(
        n_components=CLUSTERS, init="nndsvd", max_iter=400, random_state=seed
    ).fit_transform(matrix)
    return [int(row.argmax()) if row.max() > 0 else NO_THEME for row in weights]


def time_of(work: Callable[[], object], repeat: int) -> float:
    """Return the median seconds of ``repeat`` runs."""
    taken = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def check_insights(answers: Sequence[CodedAnswer], language: str) -> tuple[int, int]:
    """Return the number of themes and quotes after holding each against the answers.

    Raises:
        AssertionError: a quote is not exact or a count is wrong.
    """
    samples = make_samples(answers)
    texts = {sample.turn_id: sample for sample in samples}
    found = BuiltinInsightsAgent().find_insights(
        [Question("q1", QUESTIONS[language])],
        samples,
        known=(),
        language=language,
        deadline_seconds=60,
    )
    quotes = 0
    for theme in found.themes:
        assert len(set(theme.session_ids)) == len(theme.session_ids)
        assert theme.interval_low <= theme.share <= theme.interval_high
        assert len({quote.session_id for quote in theme.quotes}) == len(theme.quotes)
        for quote in theme.quotes:
            said = texts[quote.turn_id]
            assert said.session_id == quote.session_id
            assert quote.session_id in theme.session_ids
            assert said.text[quote.start : quote.end] == quote.text
            quotes += 1
    return len(found.themes), quotes


def has_sklearn() -> bool:
    """Say whether the peer is installed."""
    return importlib.util.find_spec("sklearn") is not None


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repetition instead of five")
    repeat = 1 if parser.parse_args().quick else 5
    print(f"machine: {platform.machine()}, Python {platform.python_version()}")
    methods: dict[str, list[Method]] = {"built-in phrase cover": [cluster_builtin]}
    if has_sklearn():
        methods["TF-IDF + NMF (scikit-learn)"] = [
            partial(cluster_nmf, seed=seed) for seed in range(SEEDS)
        ]
    else:
        print("peer left out: scikit-learn is not installed (requirements-bench.txt)")
    for language in ("en", "es"):
        answers = make_answers(language)
        codes = [answer.code for answer in answers]
        majority = Counter(codes).most_common(1)[0][1] / len(codes)
        print(
            f"\n{language}: {len(answers)} answers, {len(set(codes))} codes, "
            f"k = {CLUSTERS}, majority {majority:.2f}"
        )
        print(f"{'method':<30}{'purity':>8}{'NMI':>8}{'covered':>9}{'median ms':>11}")
        for name, runs in methods.items():
            seconds = time_of(partial(runs[0], answers, language), repeat)
            figures = median_figures([measure(run(answers, language), codes) for run in runs])
            print(
                f"{name:<30}{figures.purity:>8.3f}{figures.nmi:>8.3f}"
                f"{figures.covered:>9.2f}{1000 * seconds:>11.1f}"
            )
        themes, quotes = check_insights(answers, language)
        print(f"checked: {themes} themes, {quotes} quotes exact, counts right")


if __name__ == "__main__":
    main()
