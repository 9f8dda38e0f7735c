"""Is a labelled cohort fit to train on? Every case is read once and every problem of it named."""

from hnseg_train.cohort_check.cohort import check_cohort
from hnseg_train.cohort_check.findings import CaseCheck, CohortReport, OrganFacts, Problem
from hnseg_train.cohort_check.report import summary, write_report

__all__ = ["CaseCheck", "CohortReport", "OrganFacts", "Problem", "check_cohort", "summary", "write_report"]
