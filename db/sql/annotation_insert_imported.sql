-- The order makes the label after the reveal the later one, which counts.
insert into annotation by name
select incoming_label.*, 'label' as action, 'import' as origin
from incoming_label
anti join annotation using (annotation_id)
order by incoming_label.phase
