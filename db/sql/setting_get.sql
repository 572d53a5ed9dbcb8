select value from setting where key = $key order by setting_number desc limit 1
