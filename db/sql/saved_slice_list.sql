select name, selection, saved_by
from saved_slice
qualify selection != '{}'
    and row_number() over (partition by name order by saved_slice_number desc) = 1
order by name
