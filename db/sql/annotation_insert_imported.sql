-- In the order in which they were said; of one moment, the label after the reveal is the later one,
-- which counts.
insert into annotation by name
select incoming_label.*, 'import' as origin
from incoming_label
anti join annotation using (annotation_id)
order by incoming_label.created_at, incoming_label.phase
