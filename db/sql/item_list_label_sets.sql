-- The label sets that stored items share, the newest labels of each.
select label_set, arg_max(labels, created_at) as labels
from item
where label_set <> 'options'
group by label_set
