select
    annotation_id, item_id, reviewer_id, label, created_at, action, origin, run_id, old_label,
    old_answer, answer, note, phase, duration_seconds, retracted_annotation_id
from standing_annotation
where origin = $origin
order by item_id, annotation_number
