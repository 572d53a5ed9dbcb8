select *
from annotation
where annotation_id = $annotation_id
