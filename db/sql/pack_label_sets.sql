select to_json(label_set)::varchar
from label_set
order by name, version
