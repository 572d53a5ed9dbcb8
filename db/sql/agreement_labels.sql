-- Every label that the rated items allow, in their order.
-- $label_set, $origin, $source (null: all)
select named.label
from (
    select unnest(item.labels) as label, generate_subscripts(item.labels, 1) as place
    from item
    where item.label_set = $label_set
        and ($source is null or item.source = $source)
        and item.item_id in (
            select item_id from rating
            anti join scratch.hidden_item($viewer) as hidden using (item_id)
            where origin = $origin
        )
) as named
group by named.label
order by min(named.place), named.label
