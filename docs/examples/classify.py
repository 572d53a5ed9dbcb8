"""Categories for a few questions: python docs/examples/classify.py [BASE MODEL]"""

# ruff: noqa: T201 - an example prints

import sys
from pathlib import Path

from eci.answers.reader import read_answer
from eci.model.eci_model import EciModel
from eci.questions.exemplars import ExemplarPool
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Exemplar, Question

# A folder, a Hugging Face id, or the model that comes along. With artifact=Path(...) the head and
# the adapter of a training run are loaded too; without, the head says what the model would say.
base = sys.argv[1] if len(sys.argv) > 1 else "bundled:smollm2-135m"
triage = LabelSet.fixed("triage", ["urgent", "routine"])
model = EciModel.load(base, Path(".llamacare/models"), label_sets=[PUBMEDQA, triage])

# Any mix of fixed labels and options in one call.
questions = [
    Question(
        "Does honey relieve night-time cough in children?",
        (("RESULTS", "Cough scores fell by 4 points with honey and by 2 with placebo (p=0.01)."),),
        PUBMEDQA,
    ),
    Question("Crushing chest pain for 20 minutes, sweating: how soon?", (), triage),
    Question(
        "A sprained ankle, no fracture. What comes first?",
        (),
        LabelSet.from_options({"A": "Rest and ice", "B": "Surgery", "C": "Antibiotics"}),
    ),
]
for question, found in zip(questions, model.classify(questions), strict=True):
    shares = zip(question.label_set.names, found.probabilities, strict=True)
    listed = ", ".join(f"{label} {share:.2f}" for label, share in shares)
    print(f"{question.question} {found.label} ({listed})")

# With shots, from training items only: an exemplar that repeats a question to be classified is an
# error that names it. The shots that all questions share are prefilled once.
earlier = Question(
    "Does zinc shorten a common cold?",
    (("RESULTS", "Colds lasted 7.1 days with zinc lozenges and 7.0 days with placebo."),),
    PUBMEDQA,
)
exemplars = [Exemplar(earlier, "no", "The durations did not differ.")]
pool = ExemplarPool(exemplars, "balanced", seed=0, forbidden=questions)
honey = questions[0]
shots = pool.choose_shared(honey, num_shots=1)

# The text continues from the prefill that gave the category; what it says is read separately.
[answer] = model.answer([honey], [shots], max_new_tokens=24)
reading = read_answer(answer.text, PUBMEDQA)
print(f"With a shot: {answer.classification.label}; its text: {answer.text!r}")
print(f"The text gives: {reading.label} ({reading.form})")
