-- The latest version of every label set, or of one.
select name, version, kind, labels
from current_label_set
where $name::varchar is null or name = $name
order by name
