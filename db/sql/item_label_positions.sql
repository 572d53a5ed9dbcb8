-- Each label of a label set with its place among the labels of the items that have it.
select label, min(position)
from (
    select unnest(labels) as label, generate_subscripts(labels, 1) as position
    from item
    where label_set = $label_set
)
group by label
order by min(position), label
