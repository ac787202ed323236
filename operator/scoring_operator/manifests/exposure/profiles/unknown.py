"""An ingress class of which nothing is known: a plain Ingress, and the user's annotations."""

from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles.profile import Profile


def unknown(needs: Needs, class_name: str | None) -> Profile:
    """The profile that says nothing, and says so."""
    unsaid = ["body size", "time-out"]
    if needs.redirect:
        unsaid.insert(0, "redirect to HTTPS")
    if needs.requests_per_second is not None:
        unsaid.append("rate limit")
    about = (
        f"the ingress class {class_name} is not a known one"
        if class_name
        else ("no ingress class is named")
    )
    return Profile(shortcomings=(f"{about}: set its annotations for {', '.join(unsaid)} yourself",))
