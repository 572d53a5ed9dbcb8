-- The label sets that stored items share, the newest labels of each.
select label_set, arg_max(labels, created_at) as labels, arg_max(is_several, created_at) as is_several
from item
where label_set not in ('options', 'several_options', 'free_text')
group by label_set
