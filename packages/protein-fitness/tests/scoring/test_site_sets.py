from protein_fitness.mutations import parse_mutant
from protein_fitness.scoring.site_sets import site_sets


def test_mutants_of_the_same_sites_are_together_in_the_order_of_the_list():
    mutants = [parse_mutant(text) for text in ("C30D:A2G", "A2G", "A2W:C30F", "C30D", "A2W")]
    sets = site_sets(mutants)
    assert list(sets.items()) == [((1, 29), [0, 2]), ((1,), [1, 4]), ((29,), [3])]
