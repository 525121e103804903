"""Venues that cards name in short, as a bibliography writes them out."""

CONFERENCES = {
    "AAAI": "AAAI Conference on Artificial Intelligence",
    "ACL": "Annual Meeting of the Association for Computational Linguistics",
    "CIKM": "ACM International Conference on Information and Knowledge Management",
    "EMNLP": "Conference on Empirical Methods in Natural Language Processing",
    "ICDE": "IEEE International Conference on Data Engineering",
    "ICDM": "IEEE International Conference on Data Mining",
    "ICLR": "International Conference on Learning Representations",
    "ICML": "International Conference on Machine Learning",
    "IJCAI": "International Joint Conference on Artificial Intelligence",
    "KDD": "ACM SIGKDD International Conference on Knowledge Discovery and Data Mining",
    "NIPS": "Advances in Neural Information Processing Systems",
    "NeurIPS": "Advances in Neural Information Processing Systems",
    "RecSys": "ACM Conference on Recommender Systems",
    "SIGIR": "International ACM SIGIR Conference on Research and Development in Information "
    "Retrieval",
    "UAI": "Conference on Uncertainty in Artificial Intelligence",
    "WSDM": "ACM International Conference on Web Search and Data Mining",
    "WWW": "International World Wide Web Conference",
    "WWW Companion": "Companion of the International World Wide Web Conference",
}
JOURNALS = {
    "ACM TiiS": "ACM Transactions on Interactive Intelligent Systems",
    "Computer": "Computer",
    "Information Retrieval": "Information Retrieval",
    "TKDE": "IEEE Transactions on Knowledge and Data Engineering",
    "TOIS": "ACM Transactions on Information Systems",
}


def written_out(venue: str) -> tuple[str, str, str]:
    """The type of BibTeX entry, the field of the venue, and its name.

    A venue that is not known here, as one of a plug-in, stays as it is: an entry of type misc.
    """
    if venue in CONFERENCES:
        return "inproceedings", "booktitle", f"{CONFERENCES[venue]} ({venue})"
    if venue in JOURNALS:
        return "article", "journal", JOURNALS[venue]
    return "misc", "howpublished", venue
