from . import account_step, bulk_add, config_archive, dialing, fleet, notes, probes, steps
from .bulk_add import PastedFleet
from .context import ALLOWED_CHECK, ROUTED_CHECK, OnboardingContext
from .fleet import FleetProgress, PbxProgress, PlanBatch
from .report import OnboardingReport, onboarding_report
from .steps import LastKnownStep, OnboardingStep, StepProgress

__all__ = [
    "ALLOWED_CHECK",
    "ROUTED_CHECK",
    "FleetProgress",
    "LastKnownStep",
    "OnboardingContext",
    "OnboardingReport",
    "OnboardingStep",
    "PastedFleet",
    "PbxProgress",
    "PlanBatch",
    "StepProgress",
    "account_step",
    "bulk_add",
    "config_archive",
    "dialing",
    "fleet",
    "notes",
    "onboarding_report",
    "probes",
    "steps",
]
