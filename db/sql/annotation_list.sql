select *
from annotation
where item_id = $item_id
order by annotation_number
