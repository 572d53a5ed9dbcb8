-- Items of a label set that are not hidden. $source: null for all. Callers select from it.
select item_id, count(*) over () as num_population
from item
anti join scratch.hidden_item($viewer) as hidden using (item_id)
where label_set = $label_set and ($source::varchar is null or source = $source)
