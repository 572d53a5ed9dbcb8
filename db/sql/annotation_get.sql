select
    annotation_id, item_id, reviewer_id, label, created_at, action, origin, run_id, old_label,
    old_answer, answer, note, phase, duration_seconds, retracted_annotation_id
from annotation
where annotation_id = $annotation_id
