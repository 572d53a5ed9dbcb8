insert into annotation by name
select
    incoming_label.*, [label] as labels, 'label' as action, 'import' as origin, '' as note,
    'single' as phase
from incoming_label
anti join annotation using (annotation_id)
