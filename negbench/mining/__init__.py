"""Hard negatives of the train pairs, chosen with a trained model, for offline trainers.

`rule.py` says which negatives are wanted, `scores.py` asks the model and `selection.py` chooses.
`mined.py` goes through the train pairs block by block, `labels.py` puts the data's own ids on what
was chosen, `files.py` writes it. `run_model.py` trains the model of a finished run again, for which
`scores_of_lists.py` takes the scores of the lists that a cell keeps; `mine.py` is the function that
users call.
"""
