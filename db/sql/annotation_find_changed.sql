-- Labels of annotators that are stored already, but not with the same details.
select incoming_label.item_id, 'has other verdicts, another note or duration in what is stored'
from incoming_label
join annotation using (annotation_id)
where incoming_label.verdicts is distinct from annotation.verdicts
    or incoming_label.note is distinct from annotation.note
    or incoming_label.duration_seconds is distinct from annotation.duration_seconds
order by incoming_label.item_id
