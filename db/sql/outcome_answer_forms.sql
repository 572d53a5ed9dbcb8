select text_form, count(*)
from read_prediction
where run_id = $run_id and text_form is not null
group by text_form
order by text_form
