"""Facts and settings, no logic: which recipes there are, what they are varied in, what is claimed.

PUBLISHED: the reports' twenty models. COURSE: the course's own; CANDIDATES: what they were chosen
from. SHIPPED: those that come trained. STUDIES: recipes varied on purpose; SCHEMES, INGREDIENTS and
ADDITIONS: what three of them vary. CLAIMS: what reports and lessons say about two models; FAMILIES:
these and what is said of changes, by the question that they answer.
"""

from fmnist_utils.recipes.claims import CLAIMS, FAMILIES, Claim
from fmnist_utils.recipes.course import CANDIDATES, COURSE, MODELS, SHIPPED
from fmnist_utils.recipes.published import PUBLISHED
from fmnist_utils.recipes.speedrun import ADDITIONS, INGREDIENTS
from fmnist_utils.recipes.studies import SCHEMES, STUDIES

__all__ = [
    "ADDITIONS",
    "CANDIDATES",
    "CLAIMS",
    "COURSE",
    "FAMILIES",
    "INGREDIENTS",
    "MODELS",
    "PUBLISHED",
    "SCHEMES",
    "SHIPPED",
    "STUDIES",
    "Claim",
]
