-- Over the items that scored_runs keeps, of which equal lists of labels are many.
select label
from (
    select unnest(labels) as label, generate_subscripts(labels, 1) as place, num_items
    from (
        select labels, count(*) as num_items from scratch.item
        where label_set = $label_set group by labels
    )
)
group by label
order by min(place), sum(num_items) desc, label
