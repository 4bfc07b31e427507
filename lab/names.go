package lab

// The words the company's people are made of. The order matters: the same
// number of people gives the same company every time.

var givenNames = []string{
	"Amara", "Björn", "Chiara", "Daniel", "Elif", "Fatima", "Gabriel", "Hana", "Igor", "Joana",
	"Kenji", "Łucja", "Mateo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tomáš",
	"Ute", "Viktor", "Wanjiru", "Xénia", "Yusuf", "Zoë", "Aoife", "Bao", "Célia", "Dmitri",
	"Eun-ji", "François", "Gülşen", "Hugo", "Ingrid", "José", "Katarzyna", "Luís", "Mária", "Noah",
	"Olga", "Pedro", "Rania", "Stefan", "Thandiwe", "Ulrich", "Valérie", "William", "Yara", "Zsófia",
	"Anders", "Beatriz", "Cem", "Dorothea", "Emeka", "Freya", "Giulia", "Henrik", "Ines", "Jürgen",
	"Kofi", "Leila", "Marta", "Nguyễn", "Orla", "Paweł", "Ramón", "Sinéad", "Tarek", "Vesna",
}

var familyNames = []string{
	"Abebe", "Bauer", "Castro", "Dąbrowski", "Eriksen", "Ferreira", "García", "Hoffmann", "Ivanova", "Jensen",
	"Kowalska", "Lefèvre", "Müller", "Nakamura", "O’Brien", "Petrov", "Quinn", "Rossi", "Schäfer", "Tanaka",
	"Ueda", "Vargas", "Weber", "Xu", "Yılmaz", "Zimmermann", "Andersson", "Bianchi", "Chukwu", "Diallo",
	"Ekström", "Fischer", "González", "Horváth", "Ibrahim", "Jönsson", "Kaplan", "López", "Mbeki", "Novák",
	"Okonkwo", "Pérez", "Ramírez", "Silva", "Türk", "Usman", "van den Berg", "Wójcik", "Yamamoto", "Žukauskas",
	"Aalto", "Bergström", "Ceylan", "Dvořák", "El-Sayed", "Fontaine", "Groß", "Hernández", "Isaksen", "Jovanović",
	"Keller", "Lindqvist", "Moreau", "Nielsen", "Oliveira", "Papadopoulos", "Reyes", "Sato", "Thompson", "Virtanen",
	"Winkler", "Åkesson", "Baptiste", "Chatterjee", "Delgado", "Eide", "Friedrich", "Gruber", "Hughes", "Iyer",
}

// branches of the company, one for each person directly under its head.
var branches = []struct{ name, head string }{
	{"Engineering", "Vice President Engineering"},
	{"Sales", "Vice President Sales"},
	{"Operations", "Chief Operating Officer"},
	{"Finance", "Chief Financial Officer"},
	{"Human Resources", "Vice President People"},
	{"Marketing", "Vice President Marketing"},
	{"Legal", "General Counsel"},
}

// titles below the heads of the branches: directors, heads of a team, and everybody else.
var (
	directorTitles = []string{"Director", "Programme Director", "Regional Director"}
	leadTitles     = []string{"Team Lead", "Section Head", "Principal"}
	staffTitles    = map[string][]string{
		"Engineering":     {"Software Engineer", "Test Engineer", "Systems Engineer", "Architect", "Technical Writer"},
		"Sales":           {"Account Executive", "Sales Engineer", "Inside Sales", "Key Account Consultant"},
		"Operations":      {"Network Administrator", "Service Desk Analyst", "Logistics Planner", "Site Coordinator"},
		"Finance":         {"Accountant", "Controller", "Treasury Analyst", "Buyer"},
		"Human Resources": {"Recruiter", "Trainer", "Payroll Specialist"},
		"Marketing":       {"Designer", "Editor", "Event Planner", "Market Analyst"},
		"Legal":           {"Lawyer", "Paralegal", "Data Protection Officer"},
	}
)

// offices with their telephone prefixes; numbers continue with the extension.
var offices = []struct{ city, building, phone, mobile string }{
	{"Berlin", "Hafenstraße 4", "+49 30 5550", "+49 151 555"},
	{"Lyon", "Quai Perrache 12", "+33 4 5550", "+33 6 55 "},
	{"København", "Havnegade 9", "+45 55 50", "+45 20 "},
	{"London", "Wharf Road 31", "+44 20 5550", "+44 7700 9"},
	{"Toronto", "Front Street 200", "+1 416 555", "+1 647 555"},
	{"São Paulo", "Avenida Paulista 900", "+55 11 5550", "+55 11 9555"},
}

// cast are the people whom the manual, the pictures and the tests know by
// name; boss is an index into cast, -1 for the head of the company. The first
// of them are there even in the smallest company.
var cast = []struct {
	name, title, department, extension string
	boss                               int
}{
	{"Anna Albers", "Team Lead", "Engineering", "4711", 1},
	{"Chen Dahl", "Director", "Engineering", "4700", 7},
	{"Bruno Berg", "Software Engineer", "Engineering", "4712", 0},
	{"Dina Costa", "Software Engineer", "Engineering", "4713", 0},
	{"Goran Kaya", "Test Engineer", "Engineering", "4714", 0},
	{"Ivo Hansen", "Architect", "Engineering", "4715", 0},
	{"Jana Ito", "Technical Writer", "Engineering", "4716", 0},
	{"Mireille Lund", "Vice President Engineering", "Engineering", "4601", 8},
	{"Solveig Adeyemi", "Chief Executive Officer", "Executive Board", "4600", -1},
	{"Amélie Fournier", "Team Lead", "Engineering", "4721", 1},
	{"Samuel Okafor", "Team Lead", "Engineering", "4731", 1},
}
