select label
from adjudication
where item_id = $item_id
order by adjudication_number desc
limit 1
