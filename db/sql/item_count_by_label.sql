-- $source, $split: null for all.
select gold_label, count(*)
from item
anti join scratch.hidden_item($viewer) as hidden using (item_id)
where gold_label is not null
    and ($source::varchar is null or source = $source)
    and ($split::varchar is null or split = $split)
group by gold_label
order by gold_label
